"""An audit's tables: a row for each process that captured, and their sum; finished processes share one row.

Each table breaks down a column of the one before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from darklaunch_comparator.results.result import OUTCOMES
from darklaunch_comparator.store.audit_rows import RowCounts

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import make_printable, wrap_text
from darklaunch_console.output.table import measure_width, render_table
from darklaunch_console.output.text import format_plural

from .balance import LaunchAccount, ProducerAccount
from .stream_entries import StreamEntries, sum_entries

MOST_FINISHED: Final = 1
"""More finished processes than this share one row, unless every process is asked for."""
NONE: Final = "–"
_WRITTEN_HEAD: Final = ("producer", "sampled", "enqueued", "admitted", "dropped", "shed", "buffer")
_SHORT_NAMES: Final = {"shadow_error": "error"}
_NAME_LIMIT: Final = 16

CountsByProducer = Mapping[str, Mapping[tuple[str, str], int]]
"""Each producer's rows by (outcome, reason)."""


@dataclass(frozen=True, slots=True)
class _TableRow:
    """One row of each table: one process, several together, or all."""

    name: str
    producers: Sequence[ProducerAccount]
    process: str
    entries: StreamEntries


def render_tables(account: LaunchAccount, counts: RowCounts | None, *, every: bool) -> list[str]:
    """Return what each process sampled, where that is, and what became of it, as lines.

    sampled = enqueued + dropped + buffer; enqueued = unread + pending + rows + gap; rows = the outcomes. `counts` are
    the rows; None where they were not counted.
    """
    rows = _make_rows(account, every=every)
    if not rows:
        return []
    lines = _render_figures((*_WRITTEN_HEAD, "process"), rows, _list_written)
    head: tuple[str, ...]
    if account.entries is None:
        head = ("of enqueued", "rows", "no row")
        lines += _render_figures(head, rows, lambda row: [_sum(row, "recorded"), _sum(row, "missing")])
    else:
        head = ("of enqueued", "unread", "pending", "rows", "gap", "dead letters")
        lines += _render_figures(head, rows, _list_on_streams)
    by_producer = _group_by_producer(counts or {})
    if by_producer:
        occurring = [outcome for outcome in OUTCOMES if _count_outcome(by_producer, rows[-1], outcome)]
        head = ("of rows", *(_SHORT_NAMES.get(outcome, outcome) for outcome in occurring))
        lines += _render_figures(
            head, rows, lambda row: [_count_outcome(by_producer, row, outcome) for outcome in occurring]
        )
    return [*lines, *_render_reasons(rows, by_producer)]


def producers_to_json(account: LaunchAccount, counts: RowCounts | None) -> list[dict[str, Any]]:
    """Return each producer's figures as JSON values; `outcomes` and `row_reasons` None where rows were not counted."""
    described: list[dict[str, Any]] = []
    by_producer = _group_by_producer(counts or {})
    for producer in account.producers:
        row = _TableRow(producer.producer, [producer], "", StreamEntries())
        figures = asdict(producer)
        figures["held"] = figures.pop("entries")
        if producer.entries:
            figures |= {"unread": producer.entries.unread, "pending": producer.entries.pending}
        outcomes = {outcome: _count_outcome(by_producer, row, outcome) for outcome in OUTCOMES}
        figures |= {
            "gap": producer.gap,
            "outcomes": None if counts is None else outcomes,
            "row_reasons": None if counts is None else _count_reasons(by_producer, row),
        }
        described.append(figures)
    return described


def _make_rows(account: LaunchAccount, *, every: bool) -> list[_TableRow]:
    finished = [producer for producer in account.producers if producer.finished]
    together = [] if every or len(finished) <= MOST_FINISHED else finished
    rows = [
        _make_row(make_printable(producer.producer, _NAME_LIMIT), [producer], "alive" if producer.alive else "ended")
        for producer in account.producers
        if not (together and producer.finished)
    ]
    if together:
        rows.append(_make_row(format_plural(len(together), "other"), together, "ended"))
    foreign = account.foreign_entries or StreamEntries()
    if foreign != StreamEntries():
        rows.append(_TableRow("no producer", [], "", foreign))
    if len(rows) > 1:
        alive = f"{format_count(sum(producer.alive for producer in account.producers))} alive"
        rows.append(_TableRow("all", account.producers, alive, account.entries or StreamEntries()))
    return rows


def _make_row(name: str, producers: Sequence[ProducerAccount], process: str) -> _TableRow:
    entries = sum_entries(producer.entries for producer in producers if producer.entries)
    return _TableRow(name, producers, process, entries)


def _sum(row: _TableRow, figure: str) -> int:
    return sum(int(getattr(producer, figure) or 0) for producer in row.producers)


def _list_written(row: _TableRow) -> list[int]:
    return [_sum(row, name) for name in ("sampled", "enqueued", "admitted", "dropped", "shed", "unwritten")]


def _list_on_streams(row: _TableRow) -> list[int]:
    entries = row.entries
    return [entries.unread, entries.pending, _sum(row, "recorded"), _sum(row, "gap"), entries.dead_letters]


def _group_by_producer(counts: RowCounts) -> CountsByProducer:
    grouped: dict[str, dict[tuple[str, str], int]] = {}
    for (producer, outcome, reason), number in counts.items():
        grouped.setdefault(producer, {})[outcome, reason] = number
    return grouped


def _count_outcome(by_producer: CountsByProducer, row: _TableRow, wanted: str) -> int:
    """Count the recorded rows of one outcome of a table row's producers."""
    return sum(
        number
        for producer in row.producers
        for (outcome, _), number in by_producer.get(producer.producer, {}).items()
        if outcome == wanted
    )


def _count_reasons(by_producer: CountsByProducer, row: _TableRow) -> dict[str, int]:
    """Count what was dropped after the stream, by reason."""
    reasons: Counter[str] = Counter()
    for producer in row.producers:
        for (outcome, reason), number in by_producer.get(producer.producer, {}).items():
            if outcome == "dropped":
                reasons[reason] += number
    return dict(sorted(reasons.items()))


def _render_reasons(rows: Sequence[_TableRow], by_producer: CountsByProducer) -> list[str]:
    """Return a line for each row: why its exchanges were dropped, by the hook and later."""
    described: list[tuple[str, str]] = []
    for row in rows[:-1] or rows:  # the last row is the sum of the others
        by_hook: Counter[str] = Counter()
        for producer in row.producers:
            by_hook.update(producer.reasons)
        parts = [("by the hook", by_hook), ("later", _count_reasons(by_producer, row))]
        if text := "; ".join(f"{when}: {_join_counts(reasons)}" for when, reasons in parts if reasons):
            described.append((row.name, text))
    wide = max((measure_width(name) for name, _ in described), default=0)
    lines = [
        line
        for name, text in described
        for line in wrap_text(f"{name + ' ' * (wide - measure_width(name))}  {text}", more=" " * (wide + 2))
    ]
    return ["", "why dropped", *lines] if described else []


def _join_counts(reasons: Mapping[str, int]) -> str:
    return ", ".join(
        f"{make_printable(reason, 40).replace('_', ' ')} {format_count(number)}" for reason, number in reasons.items()
    )


def _render_figures(
    head: Sequence[str], rows: Sequence[_TableRow], list_figures: Callable[[_TableRow], Sequence[int]]
) -> list[str]:
    """Return one table. A row without a figure is left out, unless all are: then the last one stays."""
    with_figures = [(row, list_figures(row)) for row in rows]
    shown = [(row, figures) for row, figures in with_figures if any(figures)] or with_figures[-1:]
    cells = [
        (row.name, *(format_count(figure) if figure else NONE for figure in figures), row.process)
        for row, figures in shown
    ]
    return ["", *render_table(head, [row[: len(head)] for row in cells], left=(0, len(_WRITTEN_HEAD)), gap="  ")]

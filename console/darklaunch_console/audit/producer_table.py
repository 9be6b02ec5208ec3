"""An audit's tables: a line for each process that captured, and their sum; finished ones in one line unless asked.

Each table takes apart a column of the one before it.
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
from .stream_entries import StreamEntries, add_up

FEW: Final = 1
NONE: Final = "–"
_WRITTEN: Final = ("producer", "sampled", "enqueued", "admitted", "dropped", "shed", "outbox")
_SHORT: Final = {"shadow_error": "error"}
_NAME_LIMIT: Final = 16

Own = Mapping[str, Mapping[tuple[str, str], int]]
"""Each producer's rows by (outcome, reason)."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of each table: one process, several together, or all."""

    name: str
    lines: Sequence[ProducerAccount]
    process: str
    held: StreamEntries


def render_tables(account: LaunchAccount, counts: RowCounts | None, *, every: bool) -> list[str]:
    """Lay out what each process sampled, where that is, and what became of it.

    sampled = enqueued + dropped + outbox; enqueued = unread + pending + rows + gap; rows = the outcomes. `counts` are
    the rows; None where they were not counted.
    """
    rows = _rows(account, every=every)
    if not rows:
        return []
    lines = _table((*_WRITTEN, "process"), rows, _written)
    if account.held is None:
        lines += _table(
            ("of enqueued", "rows", "no row"), rows, lambda row: [_sum(row, "recorded"), _sum(row, "missing")]
        )
    else:
        lines += _table(("of enqueued", "unread", "pending", "rows", "gap", "dead letters"), rows, _travelling)
    own = _by_producer(counts or {})
    if own:
        occurring = [outcome for outcome in OUTCOMES if _of(own, rows[-1], outcome)]
        head = ("of rows", *(_SHORT.get(outcome, outcome) for outcome in occurring))
        lines += _table(head, rows, lambda row: [_of(own, row, outcome) for outcome in occurring])
    return [*lines, *_why(rows, own)]


def producers_to_json(account: LaunchAccount, counts: RowCounts | None) -> list[dict[str, Any]]:
    """Give each producer's figures as JSON values; `outcomes` and `row_reasons` None where rows were not counted."""
    found: list[dict[str, Any]] = []
    own = _by_producer(counts or {})
    for line in account.lines:
        row = _Row(line.producer, [line], "", StreamEntries())
        outcomes = None if counts is None else {outcome: _of(own, row, outcome) for outcome in OUTCOMES}
        in_hand = {"unread": line.held.unread, "pending": line.held.pending} if line.held else {}
        reasons = None if counts is None else _reasons(own, row)
        found.append({**asdict(line), **in_hand, "gap": line.gap, "outcomes": outcomes, "row_reasons": reasons})
    return found


def _rows(account: LaunchAccount, *, every: bool) -> list[_Row]:
    finished = [line for line in account.lines if line.finished]
    together = [] if every or len(finished) <= FEW else finished
    rows = [
        _row(make_printable(line.producer, _NAME_LIMIT), [line], "alive" if line.alive else "ended")
        for line in account.lines
        if not (together and line.finished)
    ]
    if together:
        rows.append(_row(format_plural(len(together), "other"), together, "ended"))
    strangers = account.strangers or StreamEntries()
    if strangers != StreamEntries():
        rows.append(_Row("no producer", [], "", strangers))
    if len(rows) > 1:
        alive = f"{format_count(sum(line.alive for line in account.lines))} alive"
        rows.append(_Row("all", account.lines, alive, account.held or StreamEntries()))
    return rows


def _row(name: str, lines: Sequence[ProducerAccount], process: str) -> _Row:
    return _Row(name, lines, process, add_up(line.held for line in lines if line.held))


def _sum(row: _Row, figure: str) -> int:
    return sum(int(getattr(line, figure) or 0) for line in row.lines)


def _written(row: _Row) -> list[int]:
    return [_sum(row, name) for name in ("sampled", "enqueued", "admitted", "dropped", "shed", "unwritten")]


def _travelling(row: _Row) -> list[int]:
    return [row.held.unread, row.held.pending, _sum(row, "recorded"), _sum(row, "gap"), row.held.dead_letters]


def _by_producer(counts: RowCounts) -> Own:
    own: dict[str, dict[tuple[str, str], int]] = {}
    for (producer, outcome, reason), number in counts.items():
        own.setdefault(producer, {})[outcome, reason] = number
    return own


def _of(own: Own, row: _Row, outcome: str) -> int:
    """Count a row's rows of one outcome."""
    return sum(
        number for line in row.lines for (kind, _), number in own.get(line.producer, {}).items() if kind == outcome
    )


def _reasons(own: Own, row: _Row) -> dict[str, int]:
    """Count what was dropped after the stream, by reason."""
    found: Counter[str] = Counter()
    for line in row.lines:
        found.update(
            {reason: number for (outcome, reason), number in own.get(line.producer, {}).items() if outcome == "dropped"}
        )
    return dict(sorted(found.items()))


def _why(rows: Sequence[_Row], own: Own) -> list[str]:
    told: list[tuple[str, str]] = []
    for row in rows[:-1] or rows:  # the sum is told already
        by_hook: Counter[str] = Counter()
        for line in row.lines:
            by_hook.update(line.reasons)
        parts = [("by the hook", by_hook), ("later", _reasons(own, row))]
        if said := "; ".join(f"{when}: {_counted(reasons)}" for when, reasons in parts if reasons):
            told.append((row.name, said))
    wide = max((measure_width(name) for name, _ in told), default=0)
    lines = [
        line
        for name, said in told
        for line in wrap_text(f"{name + ' ' * (wide - measure_width(name))}  {said}", more=" " * (wide + 2))
    ]
    return ["", "why dropped", *lines] if told else []


def _counted(reasons: Mapping[str, int]) -> str:
    return ", ".join(
        f"{make_printable(reason, 40).replace('_', ' ')} {format_count(number)}" for reason, number in reasons.items()
    )


def _table(head: Sequence[str], rows: Sequence[_Row], figures: Callable[[_Row], Sequence[int]]) -> list[str]:
    """Lay out one table. Who has no figure in it is left out, unless nobody has one."""
    found = [(row, figures(row)) for row in rows]
    found = [one for one in found if any(one[1])] or found[-1:]
    cells = [
        (row.name, *(format_count(figure) if figure else NONE for figure in own), row.process) for row, own in found
    ]
    return ["", *render_table(head, [row[: len(head)] for row in cells], left=(0, len(_WRITTEN)), gap="  ")]

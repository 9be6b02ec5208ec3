"""An audit's tables: a line for each process that captured, and their sum; finished ones in one line unless asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from darklaunch_comparator.store.rows import OUTCOMES

from darklaunch_console.output.numbers import count
from darklaunch_console.output.table import table
from darklaunch_console.output.text import plural, printable

from .accounts import Line

FEW: Final = 1
_FIGURES: Final = ("sampled", "enqueued", "recorded", "missing", "dropped", "unwritten")
_SHORT: Final = {"shadow_error": "error"}


def producers(lines: Sequence[Line], *, every: bool) -> list[str]:
    """Lay out what each producer sampled and where that is.

    sampled = recorded + no row yet + dropped + in its outbox; enqueued = recorded + no row yet.
    """
    head = ("producer", "sampled", "enqueued", "recorded", "no row", "dropped", "outbox", "process")
    return _laid_out(head, lines, _figures, every=every)


def outcomes(lines: Sequence[Line], rows: Mapping[str, Mapping[str, int]], *, every: bool) -> list[str]:
    """Lay out each producer's rows by outcome, and the gap: its numbers without a row. Only outcomes that occur."""
    occurring = [outcome for outcome in OUTCOMES if any(held.get(outcome) for held in rows.values())]

    def figures(some: Sequence[Line]) -> list[int]:
        counts = [sum(rows.get(line.producer, {}).get(outcome, 0) for line in some) for outcome in occurring]
        gap = sum(max(0, line.enqueued - sum(rows.get(line.producer, {}).values())) for line in some)
        return [*counts, gap]

    head = ("rows read", *(_SHORT.get(outcome, outcome) for outcome in occurring), "gap", "process")
    return _laid_out(head, lines, figures, every=every)


def _figures(lines: Sequence[Line]) -> list[int]:
    return [sum(int(getattr(line, name)) for line in lines) for name in _FIGURES]


def _laid_out(
    head: Sequence[str], lines: Sequence[Line], figures: Callable[[Sequence[Line]], list[int]], *, every: bool
) -> list[str]:
    if not lines:
        return []
    finished = [line for line in lines if line.finished]
    folded = [] if every or len(finished) <= FEW else finished
    shown = [line for line in lines if line not in folded]

    def row(name: str, some: Sequence[Line], process: str) -> tuple[str, ...]:
        return (name, *map(count, figures(some)), process)

    grid = [row(printable(line.producer), [line], "alive" if line.alive else "ended") for line in shown]
    if folded:
        grid.append(row(f"{plural(len(folded), 'other')}", folded, "ended"))
    if len(grid) > 1:
        grid.append(row("all", lines, f"{count(sum(line.alive for line in lines))} alive"))
    return ["", *table(head, grid, left=(0, len(head) - 1), gap="  ")]

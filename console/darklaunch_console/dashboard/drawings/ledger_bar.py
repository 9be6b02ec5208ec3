"""The bar of the ledger: what the exchanges that have an outcome came to, as parts of a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_comparator.store.report_queries import LaunchLedger

from darklaunch_console.reports.sentences import list_outcomes

SMALLEST: Final = 0.4
"""Percent of the bar that the smallest part takes, so that it can be seen."""


@dataclass(frozen=True, slots=True)
class LedgerPart:
    """One outcome: its word, its class in the style sheet, its count, and its share of those with an outcome."""

    word: str
    style: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class BarPart:
    """A part as it is drawn, in percent of the bar's width."""

    part: LedgerPart
    left: float
    width: float


def list_parts(ledger: LaunchLedger) -> list[LedgerPart]:
    """Return every outcome in the order in which the ledger is told, those that did not occur included."""
    return [
        LedgerPart(word, f"is-{word.replace(' ', '-')}", count, count / ledger.settled if ledger.settled else 0.0)
        for word, count in list_outcomes(ledger)
        if word != "on their way"
    ]


def draw_parts(parts: Sequence[LedgerPart]) -> list[BarPart]:
    """Return the parts that occurred side by side, together 100 %; none is narrower than `SMALLEST`."""
    occurred = [part for part in parts if part.count]
    widths = [max(SMALLEST, 100 * part.share) for part in occurred]
    scale = 100 / sum(widths) if widths else 0.0
    drawn: list[BarPart] = []
    left = 0.0
    for part, width in zip(occurred, widths, strict=True):
        drawn.append(BarPart(part, round(left, 3), round(width * scale, 3)))
        left += width * scale
    return drawn

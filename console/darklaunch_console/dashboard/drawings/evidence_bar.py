"""The bar of one check's evidence: odds on a logarithmic axis, left for "within its budget", right for "over it"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

LONGEST_ODDS: Final = 1000.0
"""Odds at which a bar reaches the end of its side."""


@dataclass(frozen=True, slots=True)
class EvidenceBar:
    """A bar that starts in the middle, in percent of the drawing's width; a width of 0 is not drawn."""

    style: str
    left: float
    width: float


def draw_evidence(log_e_over: float, log_e_within: float) -> EvidenceBar:
    """Return the bar of the stronger side. `log_e_…` are natural logarithms of odds.

    Odds below 1 : 1 draw nothing, because they do not show the contrary.
    """
    if log_e_over >= log_e_within:
        return EvidenceBar("ev-over", 50.0, _measure_width(log_e_over))
    width = _measure_width(log_e_within)
    return EvidenceBar("ev-within", round(50 - width, 2), width)


def format_odds(log_e: float) -> str:
    """Return odds as people write them: `46 : 1`, `1.3 : 1`, `> 10⁶ : 1`; `undecided` below 1 : 1."""
    if log_e <= 0:
        return "undecided"
    if log_e > math.log(1e6):
        return "> 10⁶ : 1"
    odds = math.exp(log_e)
    return f"{odds:,.0f} : 1" if odds >= 9.95 else f"{odds:.1f} : 1"


def _measure_width(log_e: float) -> float:
    return round(50 * min(1.0, max(0.0, log_e) / math.log(LONGEST_ODDS)), 2)

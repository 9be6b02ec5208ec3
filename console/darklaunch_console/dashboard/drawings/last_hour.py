"""The last hour as a row of bars: what was compared in grey, what of it mismatched in red from the bottom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from darklaunch_comparator.store.report_queries import RecentCounts

HEIGHT: Final = 26.0
SMALLEST: Final = 1.5
"""Units of the drawing that the smallest bar takes, so that it can be seen."""
SLOT_WIDTH: Final = 4.0


@dataclass(frozen=True, slots=True)
class HourBar:
    """One bar: where it stands, and how high its two parts are, in units of the drawing."""

    x: float
    compared: float
    mismatched: float


def draw_last_hour(counts: Iterable[RecentCounts]) -> list[HourBar]:
    """Return a bar for each slot in which anything was compared; the highest takes the whole height."""
    busy = [count for count in counts if count.compared]
    most = max((count.compared for count in busy), default=1)
    return [
        HourBar(
            x=count.slot * SLOT_WIDTH + 1.5,
            compared=_scale(count.compared, most),
            mismatched=_scale(count.mismatched, most) if count.mismatched else 0.0,
        )
        for count in busy
    ]


def _scale(count: int, most: int) -> float:
    return round(max(SMALLEST, HEIGHT * count / most), 1)

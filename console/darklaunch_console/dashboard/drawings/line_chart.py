"""A line over time for each side as SVG: the primary solid, the shadow dashed; without a value, a gap. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 360.0
HEIGHT: Final = 140.0
LEFT: Final = 40.0
BOTTOM: Final = 20.0
TOP: Final = 8.0
TICKS: Final = 4
"""Values below the highest that the axis names, at most."""

_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class AxisTick:
    """A value that the axis names, and its height in the drawing."""

    value: float
    y: float


@dataclass(frozen=True, slots=True)
class LineChart:
    """A drawing: the path of each side, and the axis; `highest` is the value at the top."""

    primary: str
    shadow: str
    ticks: tuple[AxisTick, ...]
    highest: float


def draw_lines_over_time(primary: Sequence[float | None], shadow: Sequence[float | None]) -> LineChart:
    """Return the drawing of two series with one value for each part of the span, None where there is none."""
    most = max((value for value in (*primary, *shadow) if value is not None), default=0.0)
    step = _choose_step(most / TICKS)
    highest = step * max(1, math.ceil(most / step))
    count = math.ceil(highest / step) + 1
    ticks = tuple(AxisTick(number * step, _place(number * step, highest)) for number in range(count))
    return LineChart(_draw_path(primary, highest), _draw_path(shadow, highest), ticks, highest)


def _choose_step(at_least: float) -> float:
    """Return a round number that is not smaller."""
    if at_least <= 0:
        return 1.0
    magnitude = 10.0 ** math.floor(math.log10(at_least))
    return next(step * magnitude for step in _STEPS if step * magnitude >= at_least * (1 - 1e-9))


def _draw_path(values: Sequence[float | None], highest: float) -> str:
    """Return the path of one series; a value that stands alone is a short stroke, so that it is seen."""
    width = (WIDTH - LEFT) / max(1, len(values))
    parts: list[str] = []
    for at, value in enumerate(values):
        if value is None:
            continue
        x, y = LEFT + (at + 0.5) * width, _place(value, highest)
        before = values[at - 1] if at else None
        after = values[at + 1] if at + 1 < len(values) else None
        if before is None:
            parts.append(f"M{x - 1.5 if after is None else x:.1f} {y:.1f}")
            parts += [f"H{x + 1.5:.1f}"] if after is None else []
        else:
            parts.append(f"L{x:.1f} {y:.1f}")
    return "".join(parts)


def _place(value: float, highest: float) -> float:
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / highest), 1)

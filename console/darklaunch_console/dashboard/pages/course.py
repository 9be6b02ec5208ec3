"""A launch over time: latency of both sides at three quantiles, and mismatches, in parts of the chosen span."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from darklaunch_comparator.store.span_queries import CoursePart, read_course

from darklaunch_console.dashboard.drawings.line_chart import LineChart, draw_lines_over_time
from darklaunch_console.reports.time_range import TimeRange, round_to_bucket
from darklaunch_console.stores.postgres import Connection

PARTS: Final = 120
DEFAULT: Final = timedelta(hours=1)
ROWS: Final = 30
"""Parts that the table beside the charts lists, the latest."""
QUANTILES: Final = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class CourseBar:
    """One part in the chart of mismatches: where it stands, and how high compared and mismatched are, 0 to 1."""

    x: float
    compared: float
    mismatched: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchCourse:
    """The charts of a span and their figures; `rows` are the latest parts, the latest first."""

    since: datetime
    until: datetime
    width: timedelta
    charts: tuple[tuple[str, LineChart], ...]
    bars: tuple[CourseBar, ...]
    rows: tuple[CoursePart, ...]
    compared: int
    mismatched: int


def read_launch_course(
    connection: Connection, name: str, span: TimeRange, *, first: datetime | None, latest: datetime | None
) -> LaunchCourse | None:
    """Read the charts of a span, or of the hour before the latest exchange; None while nothing was recorded."""
    if first is None or latest is None:
        return None
    until = min(span.until or latest, latest)
    since = max(span.since, first) if span.since else max(first, until - DEFAULT)
    since = round_to_bucket(since)
    if since >= until:
        return None
    width, parts = read_course(connection, name, since=since, until=until, parts=PARTS)
    if not parts:
        return None
    by_slot = {round((part.started_at - since) / width): part for part in parts}
    slots = [by_slot.get(at) for at in range(max(by_slot) + 1)]
    most = max(part.compared for part in parts)
    return LaunchCourse(
        since=since,
        until=until,
        width=width,
        charts=tuple(
            (
                quantile,
                draw_lines_over_time(
                    [part.primary[at] if part and part.primary else None for part in slots],
                    [part.shadow[at] if part and part.shadow else None for part in slots],
                ),
            )
            for at, quantile in enumerate(QUANTILES)
        ),
        bars=tuple(
            CourseBar(
                x=round(100 * at / len(slots), 2),
                compared=part.compared / most if most else 0.0,
                mismatched=part.mismatched / most if most else 0.0,
            )
            for at, part in enumerate(slots)
            if part and part.compared
        ),
        rows=tuple(reversed(parts[-ROWS:])),
        compared=sum(part.compared for part in parts),
        mismatched=sum(part.mismatched for part in parts),
    )

"""The span of time that figures are about, as people write it: `15m`, `2026-12-01T14:00`, a build."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from darklaunch_comparator.store.span_queries import read_build_start

from darklaunch_console.cli.arguments import parse_duration
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import make_printable
from darklaunch_console.stores.postgres import Connection

LONGEST: Final = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A span of capture times, `since` ≤ t < `until`; None leaves a side open. Times are UTC."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_everything(self) -> bool:
        """True if it leaves nothing out."""
        return self.since is None and self.until is None


EVERYTHING: Final = TimeRange()


def parse_time_range(since: str, until: str, now: datetime) -> TimeRange:
    """Parse both ends; "" leaves one open. Raises BadUsage for what is no time, and for an end before its start."""
    chosen = TimeRange(
        parse_moment(since, now, "since") if since else None, parse_moment(until, now, "until") if until else None
    )
    if chosen.since is not None and chosen.until is not None and chosen.since >= chosen.until:
        raise BadUsage(f"until ({until}) is not after since ({since}): swap them")
    return chosen


def parse_moment(text: str, now: datetime, name: str) -> datetime:
    """Parse how long ago (`15m`, `2h`) or a time (`2026-12-01`, `2026-12-01T14:00`, local without a zone).

    Raises BadUsage, which names the option.
    """
    try:
        ago = timedelta(seconds=parse_duration(text))
        if ago > LONGEST:
            raise BadUsage(f"{name} {text!r} is more than ten years ago")
        return now - ago
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadUsage(
            f"{name} {text[:60]!r} is no time: write 15m or 2h for so long ago, or 2026-12-01T14:00"
        ) from None


def round_to_bucket(moment: datetime) -> datetime:
    """Return the start of the ten seconds that a moment lies in: what figures are summed up by."""
    return moment.replace(second=moment.second // 10 * 10, microsecond=0)


def choose_time_range(
    connection: Connection, launch: str, *, since: str, until: str, build: str, now: datetime
) -> TimeRange:
    """Return the span that people asked for; with `build` it begins with the first exchange which that build answered.

    Raises BadUsage, also for a build that answered none.
    """
    span = parse_time_range(since, until, now)
    if build:
        if since:
            raise BadUsage("since and build contradict each other: a build has its own beginning")
        start = read_build_start(connection, launch, build)
        if start is None:
            raise BadUsage(f"no exchange of {launch} was answered by a build {make_printable(build, 60)!r}")
        span = TimeRange(start, span.until)
    return TimeRange(span.since and round_to_bucket(span.since), span.until and round_to_bucket(span.until))

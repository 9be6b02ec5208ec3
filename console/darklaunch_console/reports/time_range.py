"""The span of time that figures are about, as people write it: `15m`, `2026-12-01T14:00`, a build. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from darklaunch_console.cli.arguments import parse_duration
from darklaunch_console.errors import BadUsage

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

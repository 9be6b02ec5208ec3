"""Times as reports write them: local, without a date today. Not pure: the present day decides."""

from __future__ import annotations

from datetime import datetime


def format_minute(at: datetime) -> str:
    """Return a local time: `14:02` today, else with its date."""
    local = at.astimezone()
    today = datetime.now(local.tzinfo).date()
    return local.strftime("%H:%M" if local.date() == today else "%Y-%m-%d %H:%M")


def format_second(at: datetime) -> str:
    """Return a local time to the second: `14:02:31` today, else with its date."""
    return f"{format_minute(at)}:{at.astimezone():%S}"

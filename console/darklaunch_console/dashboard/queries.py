"""The part of an address behind `?`: filters as they were chosen, bounded, and written back into links. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from darklaunch_console.errors import BadUsage

MOST_CHARS: Final = 1_000
"""Characters of a value that are read."""
MOST_PAGES: Final = 100_000

Query = Mapping[str, str]


def read_value(query: Query, name: str) -> str:
    """Return a value without white space around it, "" if it was not given."""
    return query.get(name, "")[:MOST_CHARS].replace("\0", "\ufffd").strip()  # Postgres stores no NUL


def read_number(query: Query, name: str, default: int) -> int:
    """Return a whole number from 0 on. Raises BadUsage."""
    text = read_value(query, name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**62))):
        raise BadUsage(f"{name} {text[:40]!r} is no whole number")
    return int(text)


def change_query(query: Query, **changes: str) -> str:
    """Return a query with other values, as a link has it: `?a=1&b=2`; values of "" are left out."""
    values = {name: value for name, value in {**query, **changes}.items() if value}
    return f"?{urlencode(values)}" if values else "?"


def write_cursor(at: datetime, identity: str) -> str:
    """Return where a page ends, for the link to the next one."""
    return f"{at.isoformat()}~{identity}"


def read_cursor(query: Query, name: str) -> tuple[datetime, str] | None:
    """Return what `write_cursor` wrote; None if it was not given. Raises BadUsage."""
    text = read_value(query, name)
    if not text:
        return None
    at, _, identity = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise BadUsage(f"{name} {text[:60]!r} is not the end of a page") from None
    if moment.tzinfo is None:
        raise BadUsage(f"{name} {text[:60]!r} is not the end of a page")
    return moment, identity

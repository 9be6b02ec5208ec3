"""Recorded exchanges, the latest first, a page at a time: functions of a blocking connection, like `report_queries`.

A page is found through the buckets: they say in which slots of 10 seconds there are exchanges of the wanted kind, so
that only those rows are read, however many there are.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection

from .report_queries import EVER, ResultRow
from .sql import load

SLOT: Final = timedelta(seconds=10)
FIRST_SLOTS: Final = 360
ROUNDS: Final = 5
"""How often the search for enough exchanges is widened, tenfold each time."""

_SQL: Final = load("browse")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeFilter:
    """Which exchanges are wanted; `outcome` is one of the seven, `slow`, or "" for all.

    before  the capture time and id of the last exchange of the page before; None for the first page
    """

    endpoint: str | None = None
    outcome: str = ""
    signature: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class ExchangeRows:
    """One page of exchanges, and whether there are more.

    searched_to  where a long search ended that found too few; None if it came to the end
    """

    rows: list[ResultRow]
    more: bool = False
    searched_to: datetime | None = None


def list_endpoints(connection: Connection[Any], launch: str, part: str = "", limit: int = 20) -> list[str]:
    """Read the endpoints of a launch whose name has a text in it, whatever its case, by name."""
    rows = connection.execute(_SQL["endpoints"], {"launch": launch, "part": part, "limit": limit})
    return [endpoint for (endpoint,) in rows]


def list_exchanges(connection: Connection[Any], launch: str, wanted: ExchangeFilter, limit: int = 100) -> ExchangeRows:
    """Read the exchanges that a filter lets through, the latest first."""
    since, until = wanted.since or EVER[0], wanted.until or EVER[1]
    before, before_id = wanted.before or (EVER[1], "")
    until = min(until, before + timedelta(milliseconds=1)) if wanted.before else until
    rows: list[ResultRow] = []
    slots = FIRST_SLOTS
    for _ in range(ROUNDS):
        busy = _read_busy_slots(connection, launch, wanted, since=since, until=until, limit=slots)
        if not busy:
            return ExchangeRows(rows)
        low = _find_start(busy, limit + 1 - len(rows))
        values = {
            "launch": launch,
            "since": max(low, since),
            "until": min(until, busy[0][0] + SLOT),
            "before": before,
            "before_id": before_id,
            "endpoint": wanted.endpoint,
            "outcome": wanted.outcome,
            "signature": wanted.signature,
            "limit": limit + 1 - len(rows),
        }
        rows += [ResultRow(*row) for row in connection.execute(_SQL["exchanges"], values)]
        if len(rows) > limit:
            return ExchangeRows(rows[:limit], more=True)
        if low == busy[-1][0] and len(busy) < slots:
            return ExchangeRows(rows)
        until = low
        slots *= 10
    return ExchangeRows(rows, searched_to=until)


def find_traced_exchanges(
    connection: Connection[Any], launch: str, text: str, limit: int = 100
) -> list[tuple[str, datetime]]:
    """Read (id, capture time) of the kept exchanges whose request has a text in a header field, the latest first."""
    rows = connection.execute(_SQL["traced"], {"launch": launch, "text": text, "limit": limit})
    return [(exchange_id, captured_at) for exchange_id, captured_at in rows]


def _read_busy_slots(
    connection: Connection[Any], launch: str, wanted: ExchangeFilter, *, since: datetime, until: datetime, limit: int
) -> list[tuple[datetime, int]]:
    values = {
        "launch": launch,
        "endpoint": wanted.endpoint,
        "outcome": wanted.outcome,
        "since": since - SLOT if since > EVER[0] else since,  # the slot that it lies in
        "until": until,
        "limit": limit,
    }
    return [(started_at, int(number)) for started_at, number in connection.execute(_SQL["busy_slots"], values)]


def _find_start(busy: list[tuple[datetime, int]], needed: int) -> datetime:
    """Return the start of the slot with which there are as many exchanges as needed; the last one's if there are not.

    One slot more is taken than the sum asks for, because the first may be cut by the page before.
    """
    total = 0
    for at, (_, number) in enumerate(busy):
        total += number
        if total >= needed:
            return busy[min(at + 1, len(busy) - 1)][0]
    return busy[-1][0]

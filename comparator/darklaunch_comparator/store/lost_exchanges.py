"""The bookkeeping behind the search for lost exchanges: checkpoints, due numbers, and exchanges still awaited.

Exchange ids are `producer:number`. Every function takes the cursor of a transaction that the caller began.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from psycopg import Cursor

from .sql import load

_SQL: Final = load("lost_exchanges")


@dataclass(frozen=True, slots=True)
class DueNumbers:
    """The numbers of one producer that are old enough to be missed: those after `verified`, up to `last`."""

    producer: str
    verified: int
    last: int


def prefer_index_lookups(cursor: Cursor[Any]) -> None:
    """Keep the planner from scanning whole partitions until the transaction ends."""
    cursor.execute(_SQL["prefer_index_lookups"], prepare=False)  # several statements cannot be prepared as one


def read_due_numbers(cursor: Cursor[Any], launch: str, *, after_s: float, most: int) -> list[DueNumbers]:
    """Read, per producer, which numbers are due `after_s` after their checkpoint, at most `most` of each."""
    cursor.execute(_SQL["due"], {"launch": launch, "after_s": after_s, "most": most})
    return [DueNumbers(*row) for row in cursor.fetchall()]


def read_missing(cursor: Cursor[Any], launch: str, due: DueNumbers, *, since: date, until: date) -> list[str]:
    """Read the ids among one producer's due numbers that have no row on the days from `since` to `until`."""
    numbers = {"producer": due.producer, "first": due.verified + 1, "last": due.last}
    cursor.execute(_SQL["missing"], {"launch": launch, "since": since, "until": until, **numbers})
    return [f"{due.producer}:{number}" for (number,) in cursor.fetchall()]


def read_unrecorded(cursor: Cursor[Any], launch: str, exchange_ids: Iterable[str]) -> list[str]:
    """Read which of these exchanges have no row on any day."""
    cursor.execute(_SQL["unrecorded"], {"launch": launch, "ids": list(exchange_ids)})
    return [exchange_id for (exchange_id,) in cursor.fetchall()]


def read_awaited(cursor: Cursor[Any], launch: str) -> set[str]:
    """Read the exchanges that were due while still on a stream."""
    cursor.execute(_SQL["awaited"], {"launch": launch})
    return {f"{producer}:{number}" for producer, number in cursor.fetchall()}


def add_awaited(cursor: Cursor[Any], launch: str, exchange_ids: Iterable[str]) -> None:
    """Remember exchanges that are due and still on a stream."""
    _execute_each(cursor, "add_awaited", [_split_id(launch, exchange_id) for exchange_id in exchange_ids])


def remove_awaited(cursor: Cursor[Any], launch: str, exchange_ids: Iterable[str]) -> None:
    """Forget awaited exchanges, because each has a row now."""
    _execute_each(cursor, "remove_awaited", [_split_id(launch, exchange_id) for exchange_id in exchange_ids])


def set_verified(cursor: Cursor[Any], launch: str, verified: Mapping[str, int]) -> None:
    """Record up to which number each producer's exchanges are accounted for; older checkpoints are removed."""
    rows = [{"launch": launch, "producer": producer, "last": last} for producer, last in verified.items()]
    _execute_each(cursor, "set_verified", rows)
    _execute_each(cursor, "remove_checkpoints", rows)


def add_checkpoints(cursor: Cursor[Any], launch: str) -> None:
    """Record how far every producer's sequence has come by now."""
    cursor.execute(_SQL["add_checkpoints"], {"launch": launch})


def _execute_each(cursor: Cursor[Any], query: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        cursor.executemany(_SQL[query], rows)


def _split_id(launch: str, exchange_id: str) -> dict[str, Any]:
    producer, _, number = exchange_id.partition(":")
    return {"launch": launch, "producer": producer, "seq": int(number)}

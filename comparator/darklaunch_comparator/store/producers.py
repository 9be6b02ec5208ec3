"""What capturing processes report about themselves: rows of darklaunch.producer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import Connection

from .sql import load

_SQL: Final = load("producers")


def save_producer_counters(connection: Connection[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Merge counters into the record, in one transaction; no counter goes down.

    Each row has `launch`, `producer`, `started_s`, `seq`, `sampled`, `dropped`, `skipped`, `closed` and `seen_s`.
    Sort rows by producer: writers that lock in one order cannot wait for each other in a circle.
    """
    if rows:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(_SQL["save"], rows)


def read_finished_producers(connection: Connection[Any], launch: str) -> set[str]:
    """Read the producers that have been silent for a day and whose every exchange is accounted for."""
    return {producer for (producer,) in connection.execute(_SQL["finished"], {"launch": launch})}


def all_producers_closed(connection: Connection[Any], launch: str) -> bool:
    """Return whether every producer that sampled something has ended in an orderly way; False when there is none."""
    row = connection.execute(_SQL["all_closed"], {"launch": launch}).fetchone()
    return bool(row and row[0])

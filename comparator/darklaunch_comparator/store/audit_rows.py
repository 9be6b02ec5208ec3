"""What an audit reads: a launch's rows, the sums that recording keeps of them, and its producers' counters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg import Connection
from psycopg.errors import QueryCanceled

from darklaunch_comparator.results.aggregate import shorten_reason
from darklaunch_comparator.results.result import OUTCOMES

from .server import begin_snapshot, limit_statements
from .sql import load

_SQL: Final = load("audit_rows")
_GAP_LIMIT_S: Final = 5.0
_PRODUCERS_EXAMINED: Final = 3

RowCounts = Mapping[tuple[str, str, str], int]
"""Numbers of rows by (producer, outcome, reason as it is tallied)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRows:
    """The rows of a launch, counted, and the three sums of them that recording keeps.

    counts            rows by producer, outcome and reason
    recorded          by producer, from the producers' table
    tally             by (outcome, reason), from the tally
    buckets           by outcome, from the rolling statistics
    twice             an exchange with more than one row, and how many such exchanges there are; None without one
    forgotten_before  the day before which rows are past retention; None when the launch is younger than that
    first_missing     of up to three producers with fewer rows than recorded, the first number without a row
    """

    counts: RowCounts
    recorded: Mapping[str, int]
    tally: Mapping[tuple[str, str], int]
    buckets: Mapping[str, int]
    twice: tuple[str, int] | None = None
    forgotten_before: date | None = None
    first_missing: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class RecordedProducer:
    """A producer's counters as recorded: `seq` exchanges on a stream, `recorded` exchanges with a row."""

    producer: str
    seq: int
    sampled: int
    dropped: dict[str, int]
    recorded: int
    closed: bool


def count_result_rows(connection: Connection[Any], launch: str, within_s: float) -> RowCounts:
    """Count every row of a launch. Raises psycopg.errors.QueryCanceled when that takes longer than `within_s`."""
    _begin(connection, within_s)
    counts = _sum_counts(connection.execute(_SQL["rows"], {"launch": launch}).fetchall())
    connection.rollback()
    return counts


def read_audit_rows(connection: Connection[Any], launch: str, within_s: float) -> AuditRows:
    """Read every row of a launch once, and all sums of them, at one instant.

    Raises psycopg.errors.QueryCanceled when one statement takes longer than `within_s`.
    """
    _begin(connection, within_s)
    parameters = {"launch": launch}
    retention = connection.execute(_SQL["kept_since"], parameters).fetchone()
    rows = connection.execute(_SQL["rows"], parameters).fetchall()
    days = {day for *_, first, last in rows for day in (first, last)}
    twice = connection.execute(_SQL["twice"], parameters).fetchone() if len(days) > 1 else None
    counts = _sum_counts(rows)
    recorded: dict[str, int] = dict(connection.execute(_SQL["producers"], parameters).fetchall())
    (buckets,) = connection.execute(_SQL["buckets"], parameters).fetchall()
    tally = _read_tally(connection, launch)
    forgotten_before = retention[0] if retention and retention[1] else None
    missing = {} if forgotten_before else _find_first_missing(connection, launch, counts, recorded)
    connection.rollback()
    return AuditRows(
        counts=counts,
        recorded=recorded,
        tally=tally,
        buckets=dict(zip(OUTCOMES, buckets, strict=True)),
        twice=twice,
        forgotten_before=forgotten_before,
        first_missing=missing,
    )


def read_producers_and_tally(
    connection: Connection[Any], launch: str
) -> tuple[list[RecordedProducer], dict[tuple[str, str], int]]:
    """Read a launch's producers, and its rows by (outcome, reason), at one instant."""
    connection.rollback()
    begin_snapshot(connection)
    producers = [RecordedProducer(*row) for row in connection.execute(_SQL["producer_counters"], {"launch": launch})]
    tally = _read_tally(connection, launch)
    connection.commit()
    return producers, tally


def read_last_before_gap(connection: Connection[Any], launch: str, producer: str) -> datetime | None:
    """Read when the last exchange before a producer's first missing row was captured.

    None when there is no such exchange, or when finding it takes more than 5 s.
    """
    try:
        limit_statements(connection, _GAP_LIMIT_S)
        row = connection.execute(_SQL["last_before_gap"], {"launch": launch, "producer": producer}).fetchone()
    except QueryCanceled:
        row = None
    connection.rollback()
    return row[0] if row else None


def _begin(connection: Connection[Any], within_s: float) -> None:
    connection.rollback()
    begin_snapshot(connection)
    limit_statements(connection, within_s)


def _read_tally(connection: Connection[Any], launch: str) -> dict[tuple[str, str], int]:
    return {
        (outcome, reason): count for outcome, reason, count in connection.execute(_SQL["tally"], {"launch": launch})
    }


def _sum_counts(rows: Sequence[Any]) -> RowCounts:
    counts: dict[tuple[str, str, str], int] = {}
    for producer, outcome, reason, count, *_ in rows:
        key = (producer, outcome, shorten_reason(outcome, reason))
        counts[key] = counts.get(key, 0) + count
    return counts


def _find_first_missing(
    connection: Connection[Any], launch: str, counts: RowCounts, recorded: Mapping[str, int]
) -> dict[str, int]:
    by_producer: dict[str, int] = {}
    for (producer, *_), count in counts.items():
        by_producer[producer] = by_producer.get(producer, 0) + count
    short = [producer for producer, count in recorded.items() if by_producer.get(producer, 0) < count]
    first_missing: dict[str, int] = {}
    for producer in short[:_PRODUCERS_EXAMINED]:
        parameters = {"launch": launch, "producer": producer, "most": recorded[producer]}
        if row := connection.execute(_SQL["first_missing"], parameters).fetchone():
            first_missing[producer] = row[0]
    return first_missing

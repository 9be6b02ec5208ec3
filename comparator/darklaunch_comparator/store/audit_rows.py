"""The rows of a launch themselves, and what is summed up of them: read at one instant, for an audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import Connection

from darklaunch_comparator.results.aggregate import shorten_reason
from darklaunch_comparator.results.result import OUTCOMES

from .sql import load

_SQL = load("rows")


RowCounts = Mapping[tuple[str, str, str], int]
"""Rows by (producer, outcome, reason as it is tallied)."""


@dataclass(frozen=True, slots=True)
class AuditRows:
    """Rows counted, and the three sums that recording keeps of them.

    `recorded` is by producer, `tally` by (outcome, reason), `blocks` by outcome. `twice` is an exchange with more than
    one row, and how many there are. `forgotten_before` is the day before which rows are past retention, None when the
    launch is younger. `first_missing` is, of each producer with fewer rows than recorded, the first number without one.
    """

    counts: RowCounts
    recorded: Mapping[str, int]
    tally: Mapping[tuple[str, str], int]
    blocks: Mapping[str, int]
    twice: tuple[str, int] | None = None
    forgotten_before: date | None = None
    first_missing: Mapping[str, int] | None = None


def count_result_rows(connection: Connection[Any], launch: str, within_s: float) -> RowCounts:
    """Count every row of a launch. Raises psycopg.errors.QueryCanceled when that takes longer."""
    _begin(connection, within_s)
    counts = _counted(connection.execute(_SQL["rows"], {"launch": launch}).fetchall())
    connection.rollback()
    return counts


def read_audit_rows(connection: Connection[Any], launch: str, within_s: float) -> AuditRows:
    """Read every row of a launch once. Raises psycopg.errors.QueryCanceled when one statement takes longer."""
    _begin(connection, within_s)
    named = {"launch": launch}
    since = connection.execute(_SQL["kept_since"], named).fetchone()
    found = connection.execute(_SQL["rows"], named).fetchall()
    days = {day for *_, first, last in found for day in (first, last)}
    twice = connection.execute(_SQL["twice"], named).fetchone() if len(days) > 1 else None
    counts = _counted(found)
    recorded: dict[str, int] = dict(connection.execute(_SQL["producers"], named).fetchall())
    (blocks,) = connection.execute(_SQL["blocks"], named).fetchall()
    tally = {(outcome, reason): number for outcome, reason, number in connection.execute(_SQL["tally"], named)}
    forgotten = since[0] if since and since[1] else None
    missing = {} if forgotten else _first_missing(connection, launch, counts, recorded)
    connection.rollback()
    return AuditRows(counts, recorded, tally, dict(zip(OUTCOMES, blocks, strict=True)), twice, forgotten, missing)


def _begin(connection: Connection[Any], within_s: float) -> None:
    connection.rollback()
    connection.execute(_SQL["snapshot"])
    connection.execute(_SQL["patience"], {"within_ms": str(max(1, int(within_s * 1000)))})


def _counted(rows: Sequence[Any]) -> RowCounts:
    counts: dict[tuple[str, str, str], int] = {}
    for producer, outcome, reason, number, *_ in rows:
        key = (producer, outcome, shorten_reason(outcome, reason))
        counts[key] = counts.get(key, 0) + number
    return counts


def _first_missing(
    connection: Connection[Any], launch: str, counts: RowCounts, recorded: Mapping[str, int]
) -> dict[str, int]:
    by_producer: dict[str, int] = {}
    for (producer, *_), number in counts.items():
        by_producer[producer] = by_producer.get(producer, 0) + number
    short: Sequence[str] = [name for name, number in recorded.items() if by_producer.get(name, 0) < number]
    found: dict[str, int] = {}
    for producer in short[:3]:
        asked = {"launch": launch, "producer": producer, "most": recorded[producer]}
        if row := connection.execute(_SQL["first_missing"], asked).fetchone():
            found[producer] = row[0]
    return found

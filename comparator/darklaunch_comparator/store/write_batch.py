"""The one transaction that makes a result count exactly once.

Insert the rows that are new, fold only those into the rolling statistics, commit. A batch that comes again, because an
acknowledgement or a COMMIT reply was lost or another comparator took the entries over, inserts nothing and so adds
nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_shared.process.crash_points import crash_point
from psycopg import Connection
from psycopg.errors import UniqueViolation

from darklaunch_comparator.results.aggregate import ReplacedRow, aggregate_results
from darklaunch_comparator.results.result import ExchangeResult

from .insert_results import ProvisionalRowsExist, insert_all, insert_new
from .sql import load
from .update_aggregates import add_statistics
from .update_signatures import add_signatures
from .writer_cache import WriterCache

_SQL: Final = load("write_batch")


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """What a batch came to: exchanges that are new, that had a row, and rows that gave way to more final ones."""

    inserted: int
    duplicates: int
    replaced: int


def prepare_connection(connection: Connection[Any]) -> None:
    """Make the connection ready to write batches."""
    connection.execute(_SQL["prepare"])


def write_batch(
    connection: Connection[Any],
    launch: str,
    findings: Sequence[ExchangeResult],
    memory: WriterCache,
    *,
    alone: bool = False,
) -> WrittenBatch:
    """Record findings of one launch in one transaction, each exactly once. `connection` was given to `prepare`.

    `alone` is for the gap detector, which holds the launch's lock by itself. Raises psycopg.Error and
    ProvisionalRowAppeared; nothing is recorded then, except when a connection broke at COMMIT: then all or nothing is.
    """
    rows = memory.bound(connection, launch, _most_final(findings))
    try:
        inserted, retracted = _write(connection, launch, rows, memory, alone=alone, all_new=True)
    except (UniqueViolation, ProvisionalRowsExist):
        inserted, retracted = _write(connection, launch, rows, memory, alone=alone, all_new=False)
    return WrittenBatch(len(inserted), len(findings) - len(inserted), len(retracted))


def lock_launch(connection: Connection[Any], launch: str) -> None:
    """Keep every other writer of a launch waiting until the transaction ends."""
    connection.execute(_SQL["lock_alone"], {"launch": launch})


def _write(
    connection: Connection[Any],
    launch: str,
    rows: list[ExchangeResult],
    memory: WriterCache,
    *,
    alone: bool,
    all_new: bool,
) -> tuple[list[ExchangeResult], list[ReplacedRow]]:
    inserted, retracted = rows, list[ReplacedRow]()
    with connection.transaction(), connection.cursor() as cursor:
        if not alone:
            cursor.execute(_SQL["lock"], {"launch": launch})
        crash_point("comparator.transaction_begun")
        if all_new:
            insert_all(cursor, launch, rows)
        else:
            inserted, retracted = insert_new(cursor, launch, rows)
        crash_point("comparator.rows_inserted")
        gains = aggregate_results(inserted, retracted)
        with connection.pipeline():
            add_statistics(cursor, launch, inserted, gains)
            sampled = add_signatures(cursor, launch, gains.groups, memory)
        crash_point("comparator.aggregates_updated")
    memory.learn(launch, gains, sampled)
    return inserted, retracted


def _most_final(findings: Iterable[ExchangeResult]) -> list[ExchangeResult]:
    chosen: dict[str, ExchangeResult] = {}
    for finding in findings:
        other = chosen.get(finding.exchange_id)
        if other is None or finding.rank > other.rank:
            chosen[finding.exchange_id] = finding
    return sorted(chosen.values(), key=lambda finding: finding.exchange_id)

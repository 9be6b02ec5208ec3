"""The transaction that makes a result count exactly once.

It inserts the rows that are new, adds only those to the rolling statistics, and commits. The same batch can come again
because an acknowledgement or the reply to COMMIT was lost, or because another comparator took over its entries. It then
inserts nothing and adds nothing.
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
    """How many exchanges of a batch were new, how many already had a row, and how many rows were replaced."""

    inserted: int
    duplicates: int
    replaced: int


def prepare_connection(connection: Connection[Any]) -> None:
    """Create the temporary table that a connection needs before it can write batches."""
    connection.execute(_SQL["prepare"])


def write_batch(
    connection: Connection[Any],
    launch: str,
    results: Sequence[ExchangeResult],
    cache: WriterCache,
    *,
    alone: bool = False,
) -> WrittenBatch:
    """Record results of one launch in one transaction, each exactly once. `prepare_connection` must have run before.

    `alone` is for callers that have locked the launch themselves. Raises psycopg.Error and ProvisionalRowAppeared; then
    nothing is recorded, except when the connection breaks at COMMIT: then either everything is or nothing.
    """
    rows = cache.limit_results(connection, launch, _choose_most_final(results))
    try:
        inserted, replaced = _write_once(connection, launch, rows, cache, alone=alone, all_new=True)
    except (UniqueViolation, ProvisionalRowsExist):
        inserted, replaced = _write_once(connection, launch, rows, cache, alone=alone, all_new=False)
    return WrittenBatch(len(inserted), len(results) - len(inserted), len(replaced))


def lock_launch(connection: Connection[Any], launch: str) -> None:
    """Lock a launch against all other writers until the transaction ends."""
    connection.execute(_SQL["lock_alone"], {"launch": launch})


def _write_once(
    connection: Connection[Any],
    launch: str,
    rows: list[ExchangeResult],
    cache: WriterCache,
    *,
    alone: bool,
    all_new: bool,
) -> tuple[list[ExchangeResult], list[ReplacedRow]]:
    inserted, replaced = rows, list[ReplacedRow]()
    with connection.transaction(), connection.cursor() as cursor:
        if not alone:
            cursor.execute(_SQL["lock"], {"launch": launch})
        crash_point("comparator.transaction_begun")
        if all_new:
            insert_all(cursor, launch, rows)
        else:
            inserted, replaced = insert_new(cursor, launch, rows)
        crash_point("comparator.rows_inserted")
        gains = aggregate_results(inserted, replaced)
        with connection.pipeline():
            add_statistics(cursor, launch, inserted, gains)
            sampled = add_signatures(cursor, launch, gains.signatures, cache)
        crash_point("comparator.aggregates_updated")
    cache.learn(launch, gains, sampled)
    return inserted, replaced


def _choose_most_final(results: Iterable[ExchangeResult]) -> list[ExchangeResult]:
    chosen: dict[str, ExchangeResult] = {}
    for result in results:
        other = chosen.get(result.exchange_id)
        if other is None or result.rank > other.rank:
            chosen[result.exchange_id] = result
    return sorted(chosen.values(), key=lambda result: result.exchange_id)

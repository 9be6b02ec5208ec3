"""Insert the rows of a batch, each exchange once.

Nearly always, no row of a batch exists yet. Its rows are then copied straight into `result`, whose primary key reports
a duplicate. After a duplicate, the batch goes through a temporary table, from which the new rows are inserted.

Rows differ in how final they are: `lost_in_redis` is a guess (rank 0), `dead` can be requeued (rank 1), anything else
is final (rank 2). A result of a higher rank replaces the row, and the sums lose what that row had added; a result of
the same or a lower rank is a duplicate.
"""

from typing import Any, Final

from psycopg import Cursor

from darklaunch_comparator.errors import StoreError
from darklaunch_comparator.results.aggregate import ReplacedRow
from darklaunch_comparator.results.result import DAY_MS, ExchangeResult

from .amendments import digest_excused
from .classify_error import ProvisionalRowAppeared
from .sql import load

_SQL: Final = load("write_batch")
_2000_DAY: Final = 10_957
_2000_MS: Final = _2000_DAY * DAY_MS
"""Postgres counts from the year 2000: a date travels as days, a timestamptz as microseconds."""
_TYPES: Final = (
    "int4", "text", "int8", "text", "text", "text", "text", "text", "int2", "int2", "float8", "float8", "text", "bool",
    "text", "text", "float4", "float4", "float4", "int4[]",
)  # fmt: skip
_Row = tuple[Any, ...]


class ProvisionalRowsExist(StoreError):
    """Some exchanges of the batch already have a provisional row."""


def insert_all(cursor: Cursor[Any], launch: str, rows: list[ExchangeResult]) -> None:
    """Insert rows of which none is stored yet.

    Raises ProvisionalRowsExist or UniqueViolation otherwise; the caller then rolls back.
    """
    _copy(cursor, "copy", ("text", *_TYPES), [(launch, *_build_row(row)) for row in rows])
    ids = f"{{{','.join([row.exchange_id for row in rows])}}}"
    cursor.execute(_SQL["any_provisional"], {"launch": launch, "ids": ids})
    if cursor.fetchone() == (True,):
        raise ProvisionalRowsExist


def insert_new(
    cursor: Cursor[Any], launch: str, rows: list[ExchangeResult]
) -> tuple[list[ExchangeResult], list[ReplacedRow]]:
    """Insert the rows that are new or more final than the existing one. Return them, and the rows that they replaced.

    Raises ProvisionalRowAppeared.
    """
    _copy(cursor, "copy_aside", ("int2", *_TYPES), [(row.rank, *_build_row(row)) for row in rows])
    replaced = _delete_outranked(cursor, launch)
    cursor.execute(_SQL["insert"], {"launch": launch})
    inserted = {exchange_id for (exchange_id,) in cursor.fetchall()}
    if len(inserted) < len(rows):
        _check_for_races(cursor, launch)
    return [row for row in rows if row.exchange_id in inserted], replaced


def _copy(cursor: Cursor[Any], query: str, types: tuple[str, ...], rows: list[_Row]) -> None:
    with cursor.copy(_SQL[query]) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _build_row(row: ExchangeResult) -> _Row:
    return (
        row.captured_at_ms // DAY_MS - _2000_DAY, row.exchange_id, (row.captured_at_ms - _2000_MS) * 1000,
        row.endpoint, row.method, row.outcome, row.reason, row.problems[0].fingerprint if row.problems else None,
        row.primary_status, row.shadow_status, row.primary_ms, row.shadow_ms, row.latency_source, row.slow, row.build,
        row.clock, row.baseline_ms, row.floor_ms, row.compared_share,
        digest_excused(row.excuses) if row.excuses and row.outcome in ("matched", "ignored") else None,
    )  # fmt: skip


def _delete_outranked(cursor: Cursor[Any], launch: str) -> list[ReplacedRow]:
    cursor.execute(_SQL["outranked"], {"launch": launch})
    replaced: list[ReplacedRow] = []
    for day, exchange_id in sorted(cursor.fetchall()):
        cursor.execute(_SQL["delete_replaced"], {"launch": launch, "day": day, "exchange_id": exchange_id})
        replaced += [ReplacedRow(*row) for row in cursor.fetchall()]
    return replaced


def _check_for_races(cursor: Cursor[Any], launch: str) -> None:
    """Raise ProvisionalRowAppeared if a row was not inserted because of a less final one committed in the meantime."""
    cursor.execute(_SQL["outranked_meanwhile"], {"launch": launch})
    if cursor.fetchone() == (True,):
        raise ProvisionalRowAppeared

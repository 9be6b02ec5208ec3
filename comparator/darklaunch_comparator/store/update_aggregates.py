"""Add what a batch gained to the rolling statistics, inside its transaction.

One statement for each table, its rows as JSON; always in the same order of tables and keys, so that writers never wait
in a circle.
"""

from collections.abc import Iterable
from typing import Any, Final

import orjson
from psycopg import Cursor

from darklaunch_comparator.results.aggregate import BatchGains, BucketGains
from darklaunch_comparator.results.result import OUTCOMES, ExchangeResult

from .noise import add_noise
from .sql import load

_SQL: Final = load("write_batch")


def add_statistics(cursor: Cursor[Any], launch: str, inserted: Iterable[ExchangeResult], gains: BatchGains) -> None:
    """Add to every statistic but the signatures."""
    _add(cursor, launch, "add_provisional", [_provisional(row) for row in inserted if row.rank < 2])
    _add(cursor, launch, "add_buckets", [_block(*key, block) for key, block in gains.blocks.items()])
    tallies = [
        {"outcome": outcome, "reason": reason, "count": count}
        for (outcome, reason), count in gains.tally.items()
        if count
    ]
    _add(cursor, launch, "add_tallies", tallies)
    producers = [{"producer": producer, "recorded": count} for producer, count in gains.producers.items() if count]
    _add(cursor, launch, "add_producers", producers)
    excuses = [
        {"endpoint": endpoint, "path": path, "reason": reason, "count": count}
        for (endpoint, path, reason), count in gains.excuses.items()
    ]
    _add(cursor, launch, "add_excuses", excuses)
    add_noise(cursor, launch, gains)


def _add(cursor: Cursor[Any], launch: str, query: str, gained: list[dict[str, Any]]) -> None:
    if gained:
        cursor.execute(_SQL[query], {"launch": launch, "gains": orjson.dumps(gained).decode()})


def _provisional(row: ExchangeResult) -> dict[str, Any]:
    return {"exchange_id": row.exchange_id, "day": row.captured_at.date(), "rank": row.rank}


def _block(endpoint: str, start_ms: int, block: BucketGains) -> dict[str, Any]:
    values: dict[str, Any] = {outcome: block.outcomes.get(outcome, 0) for outcome in OUTCOMES}
    for side, histogram in (("primary", block.primary), ("shadow", block.shadow), ("difference", block.difference)):
        values[f"{side}_keys"] = _array(histogram.keys())
        values[f"{side}_counts"] = _array(histogram.values())
    return {"endpoint": endpoint, "start_ms": start_ms, "slow": block.slow, **values}


def _array(numbers: Iterable[int]) -> str:
    """Write an array literal: Postgres reads it in a fraction of the time that a JSON array takes."""
    return f"{{{','.join(map(str, numbers))}}}"

"""Add the gains of a batch to the rolling statistics, inside its transaction.

Each table gets one statement, with its rows as JSON. Tables and keys always come in the same order, so that writers
never wait for each other in a circle.
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
    """Add gains to every statistic except signatures."""
    _execute(cursor, launch, "add_provisional", [_build_provisional(row) for row in inserted if row.rank < 2])
    _execute(cursor, launch, "add_buckets", [_build_bucket(*key, bucket) for key, bucket in gains.buckets.items()])
    tallies = [
        {"outcome": outcome, "reason": reason, "count": count}
        for (outcome, reason), count in gains.tally.items()
        if count
    ]
    _execute(cursor, launch, "add_tallies", tallies)
    producers = [{"producer": producer, "recorded": count} for producer, count in gains.producers.items() if count]
    _execute(cursor, launch, "add_producers", producers)
    excuses = [
        {"endpoint": endpoint, "path": path, "reason": reason, "count": count}
        for (endpoint, path, reason), count in gains.excuses.items()
    ]
    _execute(cursor, launch, "add_excuses", excuses)
    add_noise(cursor, launch, gains)


def _execute(cursor: Cursor[Any], launch: str, query: str, gained: list[dict[str, Any]]) -> None:
    if gained:
        cursor.execute(_SQL[query], {"launch": launch, "gains": orjson.dumps(gained).decode()})


def _build_provisional(row: ExchangeResult) -> dict[str, Any]:
    return {"exchange_id": row.exchange_id, "day": row.captured_at.date(), "rank": row.rank}


def _build_bucket(endpoint: str, start_ms: int, bucket: BucketGains) -> dict[str, Any]:
    values: dict[str, Any] = {outcome: bucket.outcomes.get(outcome, 0) for outcome in OUTCOMES}
    for side, histogram in (("primary", bucket.primary), ("shadow", bucket.shadow), ("difference", bucket.difference)):
        values[f"{side}_keys"] = _format_array(histogram.keys())
        values[f"{side}_counts"] = _format_array(histogram.values())
    return {"endpoint": endpoint, "start_ms": start_ms, "slow": bucket.slow, **values}


def _format_array(numbers: Iterable[int]) -> str:
    """Return an array literal, which Postgres reads in a fraction of the time that it needs for a JSON array."""
    return f"{{{','.join(map(str, numbers))}}}"

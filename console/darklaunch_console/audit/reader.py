"""Snapshots for an audit: the record in Postgres, and each shard of a launch on Redis, each at one instant."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from darklaunch_comparator.leader.producer_counters import is_producer
from darklaunch_comparator.store.audit_rows import read_producers_and_tally
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import unpack_counters

from darklaunch_console.stores.postgres import Connection

from .balance import ProducerFigures, RecordSnapshot, ShardSnapshot
from .stream_entries import count_stream_entries

LONGEST_COUNTER: Final = 15
"""Digits; a longer value was not written by darklaunch."""


def read_record_snapshot(connection: Connection, launch: str) -> RecordSnapshot:
    """Read a launch's producers and its rows by outcome, at one instant."""
    rows, tally = read_producers_and_tally(connection, launch)
    producers = [
        ProducerFigures(
            row.producer,
            seq=row.seq,
            sampled=row.sampled,
            dropped=row.dropped,
            recorded=row.recorded,
            closed=row.closed,
        )
        for row in rows
    ]
    return RecordSnapshot(producers, tally)


def read_shard_snapshot(redis: RedisClient, launch: str, shard: int, until_s: float) -> ShardSnapshot:
    """Read one shard at one instant, then count its entries if that can be done by `until_s` (monotonic).

    Counters that are damaged or not a producer's are left out; the numbers on the stream count all the same.
    """
    pipeline = redis.pipeline(transaction=True)
    pipeline.execute_command("HGETALL", keys.admitted(launch, shard))
    pipeline.execute_command("HGETALL", keys.producers(launch, shard))
    pipeline.execute_command("XLEN", keys.captures(launch, shard))
    pipeline.execute_command("XLEN", keys.replays(launch, shard))
    admitted, producers, captures, replays = pipeline.execute()
    return ShardSnapshot(
        admitted={name: seq for name, seq in _parse_counters(admitted).items() if is_producer(name)},
        producers=[figures for raw in pair_fields(producers).values() if (figures := _parse_figures(raw))],
        captures=int(captures),
        replays=int(replays),
        entries=count_stream_entries(redis, launch, shard, until_s),
    )


def sum_script_counters(redis: RedisClient, launch: str, shards: int) -> dict[str, int]:
    """Add up the scripts' counters over all shards."""
    total: dict[str, int] = {}
    for shard in range(shards):
        for counter, number in _parse_counters(redis.execute_command("HGETALL", keys.ledger(launch, shard))).items():
            total[counter] = total.get(counter, 0) + number
    return total


def count_uninvited(redis: RedisClient, launch: str, shards: int) -> int:
    """Count the entries that were ever added to the streams, less those that our scripts added.

    What is left was written by something else, perhaps under the number of an exchange. The true figure is at least
    this. Redis before 7.0 does not count what is added: 0.
    """
    return sum(_count_uninvited_of(redis, launch, shard) for shard in range(shards))


def _count_uninvited_of(redis: RedisClient, launch: str, shard: int) -> int:
    pipeline = redis.pipeline(transaction=True)
    pipeline.execute_command("XINFO", "STREAM", keys.captures(launch, shard))
    pipeline.execute_command("XINFO", "STREAM", keys.replays(launch, shard))
    pipeline.execute_command("HGETALL", keys.ledger(launch, shard))
    captures, replays, ledger = pipeline.execute(raise_on_error=False)
    counters = Counter({} if isinstance(ledger, Exception) else _parse_counters(ledger))
    put_back = counters["retried"]  # on one of the two streams
    passed_on = counters["replayed"] + counters["dropped"] + counters["dead"]
    return max(0, _read_entries_added(captures) - counters["admitted"] - put_back) + max(
        0, _read_entries_added(replays) - passed_on - put_back
    )


def _read_entries_added(reply: Any) -> int:
    """Read how many entries a stream ever got; 0 without the stream, or where Redis does not count them."""
    if isinstance(reply, Exception):
        return 0
    stream: dict[Any, Any] = dict(pair_fields(reply))
    return int(stream.get(b"entries-added", stream.get("entries-added", 0)))


def _parse_counters(hash_: Any) -> dict[str, int]:
    """Parse a hash of counters; what darklaunch cannot have written is left out."""
    stored = pair_fields(hash_).items()
    return {
        name.decode(errors="replace"): int(raw) for name, raw in stored if raw.isdigit() and len(raw) <= LONGEST_COUNTER
    }


def _parse_figures(raw: bytes) -> ProducerFigures | None:
    try:
        counters = unpack_counters(raw)
    except BadEntry:
        return None
    if not is_producer(counters.producer):
        return None
    return ProducerFigures(
        counters.producer,
        seq=counters.seq,
        sampled=counters.sampled,
        dropped=counters.dropped,
        closed=counters.closed,
    )

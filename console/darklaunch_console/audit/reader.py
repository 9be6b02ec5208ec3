"""What an audit reads: the record in Postgres, and each shard of a launch on Redis at one instant."""

from __future__ import annotations

from typing import Any, Final

from darklaunch_comparator.leader.producer_counters import is_producer
from darklaunch_comparator.store.audit_rows import read_producers_and_tally
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import unpack_counters

from darklaunch_console.stores.postgres import Connection

from .balance import ProducerBook, RecordedBook, ShardBook
from .stream_entries import count_stream_entries

MOST_DIGITS: Final = 15


def read_recorded_book(connection: Connection, launch: str) -> RecordedBook:
    """Read a launch's producers and its rows by outcome, at one instant."""
    rows, tally = read_producers_and_tally(connection, launch)
    producers = [
        ProducerBook(row.producer, row.seq, row.sampled, row.dropped, row.recorded, row.closed) for row in rows
    ]
    return RecordedBook(producers, tally)


def read_shard_book(redis: RedisClient, launch: str, shard: int, until_s: float) -> ShardBook:
    """Read one shard at one instant, and count its entries, if that can be done by `until_s` (monotonic).

    Damaged counters, and those of no producer, are left out: the numbers on the stream tell more.
    """
    pipeline = redis.pipeline(transaction=True)
    pipeline.execute_command("HGETALL", keys.admitted(launch, shard))
    pipeline.execute_command("HGETALL", keys.producers(launch, shard))
    pipeline.execute_command("XLEN", keys.captures(launch, shard))
    pipeline.execute_command("XLEN", keys.replays(launch, shard))
    admitted, producers, captures, replays = pipeline.execute()
    return ShardBook(
        {name: seq for name, seq in _numbers(admitted).items() if is_producer(name)},
        [said for raw in pair_fields(producers).values() if (said := _said(raw))],
        int(captures),
        int(replays),
        count_stream_entries(redis, launch, shard, until_s),
    )


def sum_script_counters(redis: RedisClient, launch: str, shards: int) -> dict[str, int]:
    """Add up the scripts' counters over all shards."""
    total: dict[str, int] = {}
    for shard in range(shards):
        for counter, number in _numbers(redis.execute_command("HGETALL", keys.ledger(launch, shard))).items():
            total[counter] = total.get(counter, 0) + number
    return total


def _numbers(hash_: Any) -> dict[str, int]:
    """Read a hash of counters; what can be none of ours is left out."""
    stored = pair_fields(hash_).items()
    return {
        name.decode(errors="replace"): int(raw) for name, raw in stored if raw.isdigit() and len(raw) <= MOST_DIGITS
    }


def _said(raw: bytes) -> ProducerBook | None:
    try:
        counters = unpack_counters(raw)
    except BadEntry:
        return None
    if not is_producer(counters.producer):
        return None
    return ProducerBook(counters.producer, counters.seq, counters.sampled, counters.dropped, 0, counters.closed)

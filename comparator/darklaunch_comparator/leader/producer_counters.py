"""Copy what producers say of themselves from Redis into the record. Counters never go down."""

import logging
from collections import defaultdict
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import ProducerCounters, unpack_counters
from psycopg import Connection
from redis.exceptions import ResponseError

from darklaunch_comparator.control.known_launches import list_launch_shards
from darklaunch_comparator.results.storable import storable_json, storable_text
from darklaunch_comparator.store.producers import save_producer_counters

_LARGEST: Final = 2**53
_REASONS: Final = 64

log = logging.getLogger("darklaunch.comparator")


class ProducerCounterSync:
    """Remembers what it copied, so that only what changed is written."""

    def __init__(self) -> None:
        self._copied: defaultdict[str, dict[bytes, bytes]] = defaultdict(dict)

    def copy(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Copy each producer's counters and its highest number on a stream. Raises psycopg.Error and RedisError."""
        for launch, shard in list_launch_shards(connection, redis):
            said = self._changed(redis, keys.producers(launch, shard))
            admitted = self._changed(redis, keys.admitted(launch, shard))
            rows = [(name, row) for name, raw in said.items() if (row := _counters(launch, name, raw))]
            rows += [(name, row) for name, raw in admitted.items() if (row := _admitted(launch, name, raw))]
            rows.sort(key=lambda named: named[0])  # as other writers do, so that none waits in a circle
            save_producer_counters(connection, [row for _, row in rows])
            crash_point("leader.counters_copied")
            self._copied[keys.producers(launch, shard)] |= said
            self._copied[keys.admitted(launch, shard)] |= admitted

    def _changed(self, redis: RedisClient, key: str) -> dict[bytes, bytes]:
        try:
            stored = pair_fields(redis.execute_command("HGETALL", key))
        except ResponseError as broken:
            log.debug("%s cannot be read: %s", key, broken)
            return {}
        known = {name: raw for name, raw in self._copied[key].items() if name in stored}
        self._copied[key] = known
        return {name: raw for name, raw in stored.items() if known.get(name) != raw}


def is_producer(name: str) -> bool:
    """Say whether a name can be a producer's: what an exchange id may begin with."""
    return 0 < len(name) <= 32 and name.isascii() and name.isalnum()


def _counters(launch: str, name: bytes, raw: bytes) -> dict[str, Any] | None:
    try:
        counters = unpack_counters(raw)
    except BadEntry:
        return None
    if counters.producer.encode() != name or not is_producer(counters.producer) or not _plausible(counters):
        return None
    return _row(
        launch,
        counters.producer,
        seq=counters.seq,
        sampled=counters.sampled,
        started_ms=counters.started_ms,
        seen_ms=counters.at_ms,
        dropped=_named(counters.dropped),
        skipped=_named(counters.skipped),
        closed=counters.closed,
    )


def _admitted(launch: str, name: bytes, raw: bytes) -> dict[str, Any] | None:
    producer = name.decode("ascii", "replace")
    if not is_producer(producer) or not raw.isdigit() or len(raw) > 15:
        return None
    return _row(launch, producer, seq=int(raw))


def _row(
    launch: str,
    producer: str,
    *,
    seq: int,
    sampled: int = 0,
    started_ms: int | None = None,
    seen_ms: int | None = None,
    dropped: str = "{}",
    skipped: str = "{}",
    closed: bool = False,
) -> dict[str, Any]:
    return {
        "launch": launch,
        "producer": producer,
        "seq": seq,
        "sampled": sampled,
        "started_s": None if started_ms is None else started_ms / 1000,
        "seen_s": None if seen_ms is None else seen_ms / 1000,
        "dropped": dropped,
        "skipped": skipped,
        "closed": closed,
    }


def _plausible(counters: ProducerCounters) -> bool:
    counts = (counters.sampled, counters.seq, *counters.dropped.values(), *counters.skipped.values())
    times_ms = (counters.started_ms, counters.at_ms)
    return (
        all(0 <= count <= _LARGEST for count in counts)
        and counters.seq <= counters.sampled
        and all(0 <= at_ms < 32_503_680_000_000 for at_ms in times_ms)
    )


def _named(counts: dict[str, int]) -> str:
    return storable_json(
        {storable_text(reason, 40): count for reason, count in sorted(counts.items())[:_REASONS] if count}
    )

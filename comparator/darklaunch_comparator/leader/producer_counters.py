"""The duty of copying producers' counters from Redis to Postgres. Counters never decrease there."""

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

_MAX_COUNT: Final = 2**53
_YEAR_3000_MS: Final = 32_503_680_000_000
_MAX_REASONS: Final = 64
_REASON_CHARS: Final = 40

log = logging.getLogger("darklaunch.comparator")


class ProducerCounterSync:
    """Copies what changed since the last call."""

    def __init__(self) -> None:
        self._copied: defaultdict[str, dict[bytes, bytes]] = defaultdict(dict)

    def copy_counters(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Copy each producer's counters and its highest number on a stream. Raises psycopg.Error and RedisError."""
        for launch, shard in list_launch_shards(connection, redis):
            counters = self._read_changed(redis, keys.producers(launch, shard))
            admitted = self._read_changed(redis, keys.admitted(launch, shard))
            rows = [(name, row) for name, raw in counters.items() if (row := _parse_counters(launch, name, raw))]
            rows += [(name, row) for name, raw in admitted.items() if (row := _parse_admitted(launch, name, raw))]
            rows.sort(key=lambda named_row: named_row[0])  # every writer locks rows in this order: no deadlock
            save_producer_counters(connection, [row for _, row in rows])
            crash_point("leader.counters_copied")
            self._copied[keys.producers(launch, shard)] |= counters
            self._copied[keys.admitted(launch, shard)] |= admitted

    def _read_changed(self, redis: RedisClient, key: str) -> dict[bytes, bytes]:
        try:
            stored = pair_fields(redis.execute_command("HGETALL", key))
        except ResponseError as error:
            log.debug("%s cannot be read: %s", key, error)
            return {}
        # What was removed from Redis is forgotten here too, or this would grow with every producer there ever was.
        copied = {name: raw for name, raw in self._copied[key].items() if name in stored}
        self._copied[key] = copied
        return {name: raw for name, raw in stored.items() if copied.get(name) != raw}


def is_producer(name: str) -> bool:
    """True if a producer can have this name: up to 32 ASCII letters and digits, as an exchange id begins with."""
    return 0 < len(name) <= 32 and name.isascii() and name.isalnum()


def _parse_counters(launch: str, name: bytes, raw: bytes) -> dict[str, Any] | None:
    """Return a producer's counters as a row; None if they are damaged, implausible or another producer's."""
    try:
        counters = unpack_counters(raw)
    except BadEntry:
        return None
    if counters.producer.encode() != name or not is_producer(counters.producer) or not _is_plausible(counters):
        return None
    return _create_row(
        launch,
        counters.producer,
        seq=counters.seq,
        sampled=counters.sampled,
        started_ms=counters.started_ms,
        seen_ms=counters.at_ms,
        dropped=_pack_reasons(counters.dropped),
        skipped=_pack_reasons(counters.skipped),
        closed=counters.closed,
    )


def _parse_admitted(launch: str, name: bytes, raw: bytes) -> dict[str, Any] | None:
    producer = name.decode("ascii", "replace")
    if not is_producer(producer) or not raw.isdigit() or len(raw) > 15:
        return None
    return _create_row(launch, producer, seq=int(raw))


def _create_row(
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


def _is_plausible(counters: ProducerCounters) -> bool:
    counts = (counters.sampled, counters.seq, *counters.dropped.values(), *counters.skipped.values())
    times_ms = (counters.started_ms, counters.at_ms)
    return (
        all(0 <= count <= _MAX_COUNT for count in counts)
        and counters.seq <= counters.sampled
        and all(0 <= at_ms < _YEAR_3000_MS for at_ms in times_ms)
    )


def _pack_reasons(counts: dict[str, int]) -> str:
    first = sorted(counts.items())[:_MAX_REASONS]
    return storable_json({storable_text(reason, _REASON_CHARS): count for reason, count in first if count})

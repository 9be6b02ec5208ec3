"""The streams of launches as they are now: how many entries, how old, captured where."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.store.report_queries import read_recent_sample_meta
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry, BadLaunch
from darklaunch_shared.launch.spec import LaunchState, check_name, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.exchange import VERSION, read_meta
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import ProducerCounters, unpack_counters
from redis.exceptions import RedisError, ResponseError

from darklaunch_console.errors import ConsoleError, NoSuchLaunch

from .postgres import Connection
from .processes import list_live_hooks, parse_clock_ms

EntryId = tuple[int, int]

RECENT_ENTRIES: Final = 5
"""Entries of each stream that are looked at for their origin."""
RECENT_SAMPLES: Final = 50
SCANNED_KEYS: Final = 200_000
SCAN_STEP: Final = 2_000


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream: its length, the entries that a consumer has read and not finished, the age of the oldest, two ids.

    Ids are (milliseconds, number); `first_id` is None when the stream is empty, `last_id` the last that was assigned.
    """

    length: int
    in_flight: int
    oldest_s: float
    first_id: EntryId | None
    last_id: EntryId

    @property
    def waiting(self) -> int:
        """Entries that no consumer has read yet."""
        return max(0, self.length - self.in_flight)


@dataclass(frozen=True, slots=True)
class ShardState:
    """One launch shard: its two streams, number of dead letters, the scripts' counters, and the producers' counters."""

    captures: StreamState
    replays: StreamState
    dead: int
    ledger: dict[str, int]
    producers: list[ProducerCounters]


@dataclass(frozen=True, slots=True)
class StreamsState:
    """A launch's shards, read within milliseconds, and the ids of the producers that are alive."""

    shards: tuple[ShardState, ...]
    alive: frozenset[str]

    def count_buffered(self) -> int:
        """Count what hooks that are alive have sampled and neither written nor dropped, as they last reported."""
        return sum(count_unwritten(counters) for counters in self.list_live_producers())

    def list_live_producers(self) -> list[ProducerCounters]:
        """Return the counters of producers that are alive."""
        return [
            counters
            for shard in self.shards
            for counters in shard.producers
            if not counters.closed and counters.producer in self.alive
        ]


def count_unwritten(counters: ProducerCounters) -> int:
    """Count what a producer has sampled and neither written nor dropped."""
    return max(0, counters.sampled - counters.seq - sum(counters.dropped.values()))


def read_published_launches(redis: RedisClient) -> dict[str, LaunchState]:
    """Return the launches as hooks and workers see them, by name. Damaged ones are left out."""
    states: dict[str, LaunchState] = {}
    for name in sorted(_read_names(redis)):
        with contextlib.suppress(BadLaunch, ResponseError):
            stored = pair_fields(redis.execute_command("HGETALL", keys.launch(check_name(name))))
            states[name] = parse_state(name, stored)
    return states


def _read_names(redis: RedisClient) -> list[str]:
    return [name.decode(errors="replace") for name in redis.execute_command("SMEMBERS", keys.LAUNCHES)]


def read_unknown_holds(redis: RedisClient) -> list[str]:
    """Return the names under which a hold is set although Redis knows no launch of that name, as after a typing error.

    At most `SCANNED_KEYS` keys of the server are looked at.
    """
    known, names = _read_names(redis), list[str]()
    cursor, looked_at = 0, 0
    while looked_at < SCANNED_KEYS:
        cursor, found = redis.execute_command("SCAN", cursor, "MATCH", keys.LAUNCH_PATTERN, "COUNT", SCAN_STEP)
        looked_at += SCAN_STEP
        names += [key.decode(errors="replace").removeprefix(keys.launch("")) for key in found]
        if not int(cursor):
            break
    return sorted(name for name in set(names) - set(known) if _is_held(redis, name))


def _is_held(redis: RedisClient, name: str) -> bool:
    try:
        return redis.execute_command("HGET", keys.launch(name), keys.STATE_HOLD) not in (None, b"", b"0")
    except ResponseError:  # some other kind of value
        return False


def read_shard(redis: RedisClient, name: str, shard: int) -> ShardState:
    """Read one shard in one round trip. What is missing or of the wrong type is returned as empty."""
    captures, replays = keys.captures(name, shard), keys.replays(name, shard)
    pipeline = redis.pipeline(transaction=False)
    for stream, group in ((captures, keys.WORKER_GROUP), (replays, keys.COMPARATOR_GROUP)):
        pipeline.execute_command("XINFO", "STREAM", stream)
        pipeline.execute_command("XPENDING", stream, group)
    pipeline.execute_command("XLEN", keys.dead(name, shard))
    pipeline.execute_command("HGETALL", keys.ledger(name, shard))
    pipeline.execute_command("HGETALL", keys.producers(name, shard))
    pipeline.execute_command("TIME")
    replies = pipeline.execute(raise_on_error=False)
    for reply in replies:
        if isinstance(reply, RedisError) and not any(word in str(reply) for word in _ABSENT):
            raise reply
    info, pending, next_info, next_pending, dead, ledger, producers, clock = (
        None if isinstance(reply, ResponseError) else reply for reply in replies
    )
    now_ms = parse_clock_ms(clock)
    return ShardState(
        captures=_parse_stream(info, pending, now_ms),
        replays=_parse_stream(next_info, next_pending, now_ms),
        dead=int(dead or 0),
        ledger={
            field.decode(errors="replace"): int(number)
            for field, number in pair_fields(ledger or ()).items()
            if number.isdigit()
        },
        producers=_parse_counters(pair_fields(producers or ()).values()),
    )


_ABSENT: Final = ("no such key", "NOGROUP", "WRONGTYPE")


def read_streams(redis: RedisClient, state: LaunchState) -> StreamsState:
    """Read every shard of a launch, and which hooks are alive."""
    shards = tuple(read_shard(redis, state.name, shard) for shard in range(state.spec.shards))
    return StreamsState(shards, frozenset(process.id for process in list_live_hooks(redis)))


def read_published_launch(redis: RedisClient, name: str) -> LaunchState:
    """Return one launch as hooks and workers see it. Raises NoSuchLaunch, and ConsoleError when it is damaged."""
    stored = pair_fields(redis.execute_command("HGETALL", keys.launch(name)))
    if not stored:
        raise NoSuchLaunch(name, _read_names(redis))
    try:
        return parse_state(name, stored)
    except BadLaunch as damaged:
        raise ConsoleError(f"{damaged}. Any change publishes it again, such as darklaunch pause {name}") from damaged


def _parse_counters(stored: Iterable[bytes]) -> list[ProducerCounters]:
    counters: list[ProducerCounters] = []
    for raw in stored:
        with contextlib.suppress(BadEntry):
            counters.append(unpack_counters(raw))
    return counters


def read_captured_origins(redis: RedisClient) -> set[str]:
    """Return the origins of the latest exchanges on all streams: where the primary serves its clients."""
    origins: set[str] = set()
    for name, state in read_published_launches(redis).items():
        for shard in range(state.spec.shards):
            for stream in (keys.captures(name, shard), keys.replays(name, shard)):
                try:
                    entries = redis.execute_command("XREVRANGE", stream, "+", "-", "COUNT", RECENT_ENTRIES)
                except ResponseError:
                    continue
                origins.update(origin for _, flat in entries if (origin := _read_origin(flat)))
    return origins


def read_recorded_origins(connection: Connection) -> set[str]:
    """Return the origins of the exchanges that were stored as samples last."""
    origins = (
        _read_origin({keys.V: VERSION, keys.META: meta}) for meta in read_recent_sample_meta(connection, RECENT_SAMPLES)
    )
    return {origin for origin in origins if origin}


def _read_origin(fields: Any) -> str:
    try:
        origin = read_meta(pair_fields(fields), keys.META).get("origin")
    except (BadEntry, ValueError):
        return ""
    return origin if isinstance(origin, str) else ""


def _parse_stream(info: Any, pending: Any, now_ms: int) -> StreamState:
    about: dict[bytes, Any] = pair_fields(info or ())
    first, last_id = about.get(b"first-entry"), _parse_id(about.get(b"last-generated-id", b"0-0"))
    in_flight = int(pending["pending"]) if pending else 0  # redis-py parses this reply
    length = int(about.get(b"length", 0))
    if not first:
        return StreamState(length, in_flight, oldest_s=0.0, first_id=None, last_id=last_id)
    first_id = _parse_id(first[0])
    oldest_s = max(0.0, (now_ms - first_id[0]) / 1000)
    return StreamState(length, in_flight, oldest_s=oldest_s, first_id=first_id, last_id=last_id)


def _parse_id(text: bytes) -> EntryId:
    milliseconds, _, number = text.partition(b"-")
    return int(milliseconds), int(number)

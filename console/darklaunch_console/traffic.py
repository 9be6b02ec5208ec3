"""What the streams of a launch hold right now: how much, how old, from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.connect import Client
from darklaunch_shared.errors import BadEntry, BadLaunch
from darklaunch_shared.exchange import VERSION, read_meta
from darklaunch_shared.launch import LaunchState, parse_state
from redis.exceptions import RedisError, ResponseError

from .alive import as_hash, clock_ms
from .stores import Connection

RECENT: Final = 5
SAMPLES: Final = 50


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: entries on it, those in some consumer's hands, the age of its oldest, the id last given."""

    length: int
    in_flight: int
    oldest_s: float
    last_id: str


@dataclass(frozen=True, slots=True)
class Shard:
    """One launch shard: its two streams, its dead letters, the scripts' counters, and the producers' own."""

    captures: Stream
    replays: Stream
    dead: int
    ledger: dict[str, int]
    producers: dict[str, bytes]


def published_launches(redis: Client) -> dict[str, LaunchState]:
    """Read the launches as hooks and workers see them. Damaged ones are left out."""
    names = sorted(name.decode() for name in redis.execute_command("SMEMBERS", keys.LAUNCHES))
    states: dict[str, LaunchState] = {}
    for name in names:
        try:
            states[name] = parse_state(name, as_hash(redis.execute_command("HGETALL", keys.launch(name))))
        except BadLaunch:
            continue
    return states


def read_shard(redis: Client, name: str, shard: int) -> Shard:
    """Look at one shard in one round trip. What is missing or of the wrong type reads as empty."""
    captures, replays = keys.captures(name, shard), keys.replays(name, shard)
    pipeline = redis.pipeline(transaction=False)
    for stream, group in ((captures, keys.WORKER_GROUP), (replays, keys.COMPARATOR_GROUP)):
        pipeline.execute_command("XINFO STREAM", stream)
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
    now_ms = clock_ms(clock)
    return Shard(
        _stream(info, pending, now_ms),
        _stream(next_info, next_pending, now_ms),
        int(dead or 0),
        {field.decode(): int(number) for field, number in as_hash(ledger).items() if number.isdigit()},
        {field.decode(errors="replace"): raw for field, raw in as_hash(producers).items()},
    )


_ABSENT: Final = ("no such key", "NOGROUP", "WRONGTYPE")


def captured_origins(redis: Client) -> set[str]:
    """Name the origins in exchanges that are on a stream, over every launch: where the primary answers its clients."""
    found: set[str] = set()
    for name, state in published_launches(redis).items():
        for shard in range(state.spec.shards):
            for stream in (keys.captures(name, shard), keys.replays(name, shard)):
                try:
                    entries = redis.execute_command("XREVRANGE", stream, "+", "-", "COUNT", RECENT)
                except ResponseError:
                    continue
                found.update(origin for _, flat in entries if (origin := _origin(flat)))
    return found


def recorded_origins(connection: Connection) -> set[str]:
    """Name the origins in the exchanges that were kept as samples last."""
    rows = connection.execute("SELECT meta FROM darklaunch.sample ORDER BY recorded_at DESC LIMIT %s", [SAMPLES])
    found = (_origin((keys.V, VERSION, keys.META, meta)) for (meta,) in rows)
    return {origin for origin in found if origin}


def _origin(flat: Any) -> str:
    try:
        origin = read_meta(dict(zip(flat[::2], flat[1::2], strict=True)), keys.META).get("origin")
    except (BadEntry, ValueError):
        return ""
    return origin if isinstance(origin, str) else ""


def _stream(info: Any, pending: Any, now_ms: int) -> Stream:
    about = as_hash(info)
    first = about.get(b"first-entry")
    oldest_s = max(0.0, (now_ms - int(first[0].partition(b"-")[0])) / 1000) if first else 0.0
    last_id = about.get(b"last-generated-id", b"0-0").decode()
    return Stream(int(about.get(b"length", 0)), int(pending[0]) if pending else 0, oldest_s, last_id)

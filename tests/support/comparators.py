"""Comparators at work on servers of their own, and what tests put in and look for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from darklaunch_comparator.run import serve
from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.launches import LaunchAct, LaunchRecord, create_launch
from darklaunch_comparator.store.server import LEADER_LOCK
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.fields import Fields
from psycopg import Connection

WAIT_S = 60.0


def settings_for(redis_url: str, dsn: str, **changed: Any) -> ComparatorSettings:
    """Return settings that do not keep a test waiting."""
    quick: dict[str, Any] = {"batch_wait_ms": 20, "wait_ms": 100, "lease_s": 1.0}
    return ComparatorSettings(redis_url=redis_url, database_url=dsn, **(quick | changed))


@asynccontextmanager
async def comparing(settings: ComparatorSettings) -> AsyncIterator[anyio.Event]:
    """Run a comparator for the block, and have it stop in good order at the end or when the event is set."""
    stop = anyio.Event()
    running = asyncio.create_task(serve(settings, stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, WAIT_S)


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds. It is asked in a thread, so it may block."""
    deadline_s = time.monotonic() + WAIT_S
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline_s, "it did not come to hold in time"
        await asyncio.sleep(0.03)


def start(connection: Connection[Any], redis: RedisClient, name: str, **spec: Any) -> LaunchRecord:
    """Record and publish a launch."""
    given = LaunchSpec(**{"shadow": "http://shadow:8000", **spec})
    record = create_launch(connection, name, given, LaunchAct("tester", "started"), percent=10.0)
    publish_launch(redis, record.state, lift_hold=True)
    return record


def put(redis: RedisClient, launch: str, entries: Iterable[Fields], shard: int = 0) -> list[bytes]:
    """Put entries on a launch's stream of replays."""
    pipeline = redis.pipeline(transaction=False)
    for fields in entries:
        flat = [part for pair in fields.items() for part in pair]
        pipeline.execute_command("XADD", keys.replays(launch, shard), "*", *flat)
    return list(pipeline.execute())


def length(redis: RedisClient, stream: str) -> int:
    return int(redis.execute_command("XLEN", stream))


def pending(redis: RedisClient, launch: str, shard: int = 0) -> list[tuple[int, int]]:
    """Return (idle time in ms, deliveries) of every pending entry on the stream of replays."""
    stream = keys.replays(launch, shard)
    if not redis.execute_command("EXISTS", stream) or not redis.execute_command("XINFO", "GROUPS", stream):
        return []
    listing = "return redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 10000)"  # redis-py reads this reply wrongly
    found = redis.execute_command("EVAL", listing, 1, stream, keys.COMPARATOR_GROUP)
    return [(int(idle_ms), int(deliveries)) for _, _, idle_ms, deliveries in found]


def outcomes(connection: Connection[Any], launch: str) -> dict[str, str]:
    found = connection.execute("SELECT exchange_id, outcome FROM darklaunch.result WHERE launch = %s", [launch])
    return dict(found.fetchall())


def has_outcomes(connection: Connection[Any], launch: str, least: int) -> bool:
    """True if at least `least` exchanges of the launch are recorded."""
    return len(outcomes(connection, launch)) >= least


def leaders(connection: Connection[Any]) -> list[int]:
    """Return the backends that hold the leader's lock of this database."""
    found = connection.execute(
        "SELECT l.pid FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database WHERE l.locktype = 'advisory' "
        "AND l.granted AND d.datname = current_database() AND (l.classid, l.objid) = (%s::oid, %s::oid)",
        [LEADER_LOCK >> 32, LEADER_LOCK & 0xFFFF_FFFF],
    )
    return [pid for (pid,) in found]

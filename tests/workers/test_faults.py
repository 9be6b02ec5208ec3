"""Workers that are killed, stopped, or bereft of their Redis: each exchange still ends once."""

import gc
import signal
from collections import Counter
from typing import Any

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.consumer import MAX_DELIVERIES

from tests.support.pool import (  # fmt: skip
    Seen,
    admit_some,
    client,
    ended,
    eventually,
    http,
    ledger,
    lost,
    outcomes,
    publish,
    quick,
    replayed,
    shadow,
    waiting,
    worker_process,
    working,
)

pytestmark = pytest.mark.anyio

LEASE_S = 1.5


async def test_a_killed_workers_exchanges_are_replayed_by_another(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    released = anyio.Event()

    async def answer(_seen: Seen) -> bytes:
        await released.wait()
        return http()

    async with shadow(answer) as it:
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 6)
        with worker_process(url, concurrency=3, lease_s=LEASE_S) as process:
            await eventually(lambda: len(it.seen) == 3)
            process.kill()
            process.wait()
        released.set()
        async with working(url, lease_s=LEASE_S):
            await eventually(lambda: len(outcomes(redis, launch_name)) == 6)
    assert len({replay.exchange.id for replay in replayed(redis, launch_name)}) == 6
    assert sorted(Counter(seen.headers["x-darklaunch-exchange"] for seen in it.seen).values()) == [1, 1, 1, 2, 2, 2]
    assert ledger(redis, launch_name) == {"admitted": 6, "replayed": 6}


async def test_an_exchange_no_worker_survives_is_buried(url: str, redis: RedisClient, launch_name: str) -> None:
    stream = keys.captures(launch_name)
    admit_some(redis, launch_name, 1, 2)
    redis.execute_command("XGROUP", "CREATE", stream, keys.WORKER_GROUP, "0")
    reply = redis.execute_command("XREADGROUP", "GROUP", keys.WORKER_GROUP, "died", "COUNT", 1, "STREAMS", stream, ">")
    entry_id = reply[0][1][0][0]
    often = ("IDLE", 60_000, "RETRYCOUNT", MAX_DELIVERIES, "JUSTID")
    claim = ("XCLAIM", stream, keys.WORKER_GROUP, "died", 0, entry_id, *often)
    redis.execute_command("EVAL", "return redis.call(unpack(ARGV))", 0, *claim)
    async with shadow() as it, working(url, lease_s=LEASE_S):
        publish(redis, launch_name, LaunchSpec(it.origin))
        await eventually(lambda: waiting(redis, launch_name) == 0)
    assert len(it.seen) == 1
    assert lost(redis, launch_name) == ["dead"]
    assert redis.execute_command("XLEN", keys.dead(launch_name)) == 1
    assert ledger(redis, launch_name) == {"admitted": 2, "replayed": 1, "dead": 1}


async def test_a_lease_is_extended_while_a_replay_takes_long(url: str, redis: RedisClient, launch_name: str) -> None:
    async def answer(_seen: Seen) -> bytes:
        await anyio.sleep(2.5)
        return http()

    async with shadow(answer) as it, working(url, lease_s=0.8), working(url, lease_s=0.8):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 2)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 2)
    assert len(it.seen) == 2
    assert ledger(redis, launch_name) == {"admitted": 2, "replayed": 2}


async def test_a_worker_told_to_stop_finishes_hands_back_and_leaves(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def answer(_seen: Seen) -> bytes:
        await anyio.sleep(0.3)
        return http()

    async with shadow(answer) as it:
        publish(redis, launch_name, LaunchSpec(it.origin, max_rps=5))
        admit_some(redis, launch_name, 1, 30)
        with worker_process(url) as process:
            await eventually(lambda: len(it.seen) > 2)
            process.send_signal(signal.SIGTERM)
            assert await ended(process) == 0
        sent = len(it.seen)
        assert len(replayed(redis, launch_name)) == sent
        assert waiting(redis, launch_name) == 30 - sent
        pending = redis.execute_command("XPENDING", keys.captures(launch_name), keys.WORKER_GROUP)
        assert pending["pending"] > 0  # what it held for its turn, ready to be claimed at once
        assert redis.execute_command("HLEN", keys.WORKERS) == 0
        publish(redis, launch_name, LaunchSpec(it.origin))
        async with working(url):
            await eventually(lambda: len(replayed(redis, launch_name)) == 30)
    assert len(it.seen) == 30
    assert lost(redis, launch_name) == []


async def test_a_second_signal_ends_a_worker_at_once(url: str, redis: RedisClient, launch_name: str) -> None:
    async def answer(_seen: Seen) -> bytes:
        await anyio.sleep(30)
        return b""

    async with shadow(answer) as it:
        publish(redis, launch_name, quick(LaunchSpec(it.origin), 60))
        admit_some(redis, launch_name, 1, 1)
        with worker_process(url) as process:
            await eventually(lambda: len(it.seen) == 1)
            process.send_signal(signal.SIGTERM)
            await anyio.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert await ended(process, 5) == 128 + signal.SIGTERM
    assert waiting(redis, launch_name) == 1


async def test_a_flushed_redis_is_taken_up_again(url: str, redis: RedisClient, launch_name: str) -> None:
    async def answer(_seen: Seen) -> bytes:
        await anyio.sleep(0.05)
        return http()

    async with shadow(answer) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 200)
        await eventually(lambda: len(it.seen) > 20)
        redis.execute_command("FLUSHALL")
        redis.execute_command("SCRIPT FLUSH")
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 201, 50)
        await eventually(lambda: ids(redis, launch_name) >= set(range(201, 251)))
        await eventually(lambda: waiting(redis, launch_name) == 0)
    assert ledger(redis, launch_name)["replayed"] == len(outcomes(redis, launch_name))


def ids(redis: RedisClient, launch: str) -> set[int]:
    return {int(replay.exchange.id.partition(":")[2]) for replay in replayed(redis, launch)}


async def test_connections_cut_by_redis_are_made_anew(own_valkey: Any, launch_name: str) -> None:
    async with shadow() as it, working(own_valkey.url):
        with client(own_valkey.url) as redis:
            publish(redis, launch_name, LaunchSpec(it.origin))
            admit_some(redis, launch_name, 1, 1)
            await eventually(lambda: len(outcomes(redis, launch_name)) == 1)
            redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            admit_some(redis, launch_name, 2, 1)
            await eventually(lambda: len(outcomes(redis, launch_name)) == 2)


async def test_a_cancelled_worker_closes_its_connections(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, shadow() as control:
        publish(redis, launch_name, LaunchSpec(it.origin, control=control.origin), noise=100)
        admit_some(redis, launch_name, 1, 5)
        with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError)):
            async with working(url):
                await eventually(lambda: len(replayed(redis, launch_name)) == 5)
                raise ZeroDivisionError
    gc.collect()  # an open one would be a ResourceWarning


async def test_a_worker_without_redis_waits_and_can_be_stopped() -> None:
    with anyio.fail_after(60):
        async with working("redis://127.0.0.1:1/0"):
            await anyio.sleep(0.7)

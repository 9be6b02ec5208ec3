"""A worker as a process: listed while it runs, stopped in good order, and the parent of others."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import read_alive
from darklaunch_shared.wire.fields import pair_fields

from tests.support.workers import (  # fmt: skip  # fmt: skip
    ReceivedRequest,
    admit_many,
    count_waiting,
    format_response,
    publish,
    read_drop_reasons,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_for_exit,
    wait_until,
    with_deadline,
    worker_process,
)

pytestmark = pytest.mark.anyio


def read_worker_pids(redis: RedisClient) -> set[int]:
    """Return the process ids of the workers that are registered as alive."""
    stored = pair_fields(redis.execute_command("HGETALL", keys.WORKERS))
    return {int(process.about["pid"]) for process in read_alive(stored, 0)}


async def test_a_worker_told_to_stop_finishes_hands_back_and_leaves(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(0.3)
        return format_response()

    async with running_shadow(respond) as shadow:
        publish(redis, launch_name, LaunchSpec(shadow.origin, max_rps=5))
        admit_many(redis, launch_name, 1, 30)
        with worker_process(url) as process:
            await wait_until(lambda: len(shadow.received) > 2)
            process.send_signal(signal.SIGTERM)
            assert await wait_for_exit(process) == 0
        sent = len(shadow.received)
        assert len(read_replays(redis, launch_name)) == sent
        assert count_waiting(redis, launch_name) == 30 - sent
        pending = redis.execute_command("XPENDING", keys.captures(launch_name), keys.WORKER_GROUP)
        assert pending["pending"] > 0  # what it held for its turn, ready to be claimed at once
        assert redis.execute_command("HLEN", keys.WORKERS) == 0
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        async with running_worker(url):
            await wait_until(lambda: len(read_replays(redis, launch_name)) == 30)
    assert len(shadow.received) == 30
    assert read_drop_reasons(redis, launch_name) == []


async def test_a_second_signal_ends_a_worker_at_once(url: str, redis: RedisClient, launch_name: str) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(30)
        return b""

    async with running_shadow(respond) as shadow:
        publish(redis, launch_name, with_deadline(LaunchSpec(shadow.origin), 60))
        admit_many(redis, launch_name, 1, 1)
        with worker_process(url) as process:
            await wait_until(lambda: len(shadow.received) == 1)
            process.send_signal(signal.SIGTERM)
            await anyio.sleep(0.5)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert await wait_for_exit(process, 5) == 128 + signal.SIGTERM
    assert count_waiting(redis, launch_name) == 1


async def test_a_cancelled_worker_closes_its_connections(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_shadow() as baseline:
        publish(redis, launch_name, LaunchSpec(shadow.origin, control=baseline.origin), noise=100)
        admit_many(redis, launch_name, 1, 5)
        with pytest.RaisesGroup(pytest.RaisesExc(ZeroDivisionError)):
            async with running_worker(url):
                await wait_until(lambda: len(read_replays(redis, launch_name)) == 5)
                raise ZeroDivisionError
    gc.collect()  # an open one would be a ResourceWarning


async def test_a_worker_without_redis_waits_and_can_be_stopped() -> None:
    with anyio.fail_after(60):
        async with running_worker("redis://127.0.0.1:1/0"):
            await anyio.sleep(0.7)


async def test_a_worker_is_listed_while_it_runs(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 1)
        await wait_until(
            lambda: b'"limit"' in b"".join(pair_fields(redis.execute_command("HGETALL", keys.WORKERS)).values())
        )
    assert redis.execute_command("HLEN", keys.WORKERS) == 0
    assert redis.execute_command("XINFO CONSUMERS", keys.captures(launch_name), keys.WORKER_GROUP) == []


async def test_dead_children_are_replaced_and_all_stop_together(url: str, redis: RedisClient) -> None:
    with worker_process(url, processes=2) as parent:
        await wait_until(lambda: len(read_worker_pids(redis)) == 2)
        killed = min(read_worker_pids(redis))
        os.kill(killed, signal.SIGKILL)
        await wait_until(lambda: len(read_worker_pids(redis)) == 3)  # the dead one's record is still there
        parent.send_signal(signal.SIGTERM)
        assert await wait_for_exit(parent) == 0
    assert read_worker_pids(redis) == {killed}


@contextmanager
def parent_and_child(url: str) -> Iterator[Popen[bytes]]:
    """Run a worker as the child of a shell, which it is told to be the child of."""
    command = f"DARKLAUNCH_WORKER_PARENT=$$ {sys.executable} -m darklaunch_workers & wait"
    parent = Popen(["/bin/sh", "-c", command], env={**os.environ, "DARKLAUNCH_REDIS_URL": url})
    try:
        yield parent
    finally:
        parent.kill()
        parent.wait()


async def test_a_child_stops_when_its_parent_is_gone(url: str, redis: RedisClient) -> None:
    with parent_and_child(url):
        await wait_until(lambda: len(read_worker_pids(redis)) == 1)
    (child,) = read_worker_pids(redis)
    try:
        await wait_until(lambda: read_worker_pids(redis) == set())
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        raise

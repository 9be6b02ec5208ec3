"""`--processes N`: a parent that looks after children of itself."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import pytest
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import read_alive
from darklaunch_shared.wire.fields import pair_fields

from tests.support.pool import ended, eventually, worker_process

pytestmark = pytest.mark.anyio


def children(redis: RedisClient) -> set[int]:
    """Give the process ids of the workers that have said they are alive."""
    stored = pair_fields(redis.execute_command("HGETALL", keys.WORKERS))
    return {int(process.about["pid"]) for process in read_alive(stored, 0)}


async def test_dead_children_are_replaced_and_all_stop_together(url: str, redis: RedisClient) -> None:
    with worker_process(url, processes=2) as parent:
        await eventually(lambda: len(children(redis)) == 2)
        killed = min(children(redis))
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: len(children(redis)) == 3)  # the dead one's record is still there
        parent.send_signal(signal.SIGTERM)
        assert await ended(parent) == 0
    assert children(redis) == {killed}


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
        await eventually(lambda: len(children(redis)) == 1)
    (child,) = children(redis)
    try:
        await eventually(lambda: children(redis) == set())
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        raise

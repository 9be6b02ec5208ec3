"""A launch that is held, rolled back, paused, damaged or promoted while exchanges wait, and what grows old waiting."""

import time
from collections.abc import Callable

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient

from tests.support.pool import (
    admit,
    admit_some,
    eventually,
    exchange,
    lost,
    outcomes,
    publish,
    replayed,
    shadow,
    waiting,
    working,
)

pytestmark = pytest.mark.anyio

MANY = 150


def hold(redis: RedisClient, launch: str, _spec: LaunchSpec) -> None:
    """Stop a launch as one does with redis-cli, telling nobody else."""
    redis.execute_command("HSET", keys.launch(launch), "hold", 1)


def roll_back(redis: RedisClient, launch: str, spec: LaunchSpec) -> None:
    publish(redis, launch, spec, "rolled_back")


@pytest.mark.parametrize("status", ["active", "promoted"])
@pytest.mark.parametrize("stop", [hold, roll_back])
async def test_a_stopped_launch_is_settled_and_nothing_more_is_sent(
    url: str, redis: RedisClient, launch_name: str, stop: Callable[[RedisClient, str, LaunchSpec], None], status: str
) -> None:
    async with shadow() as it, working(url):
        spec = LaunchSpec(it.origin, max_rps=20)
        publish(redis, launch_name, spec, status)
        admit_some(redis, launch_name, 1, MANY)
        await eventually(lambda: len(it.seen) > 3)
        stopped_s = time.monotonic()
        stop(redis, launch_name, spec)
        await eventually(lambda: len(outcomes(redis, launch_name)) == MANY)
    assert it.seen[-1].at_s - stopped_s < 1
    assert len(replayed(redis, launch_name)) == len(it.seen)
    assert lost(redis, launch_name) == ["superseded_by_rollback"] * (MANY - len(it.seen))


async def test_a_paused_launch_waits_and_loses_nothing(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        spec = LaunchSpec(it.origin, max_rps=20)
        publish(redis, launch_name, spec)
        admit_some(redis, launch_name, 1, MANY)
        await eventually(lambda: len(it.seen) > 3)
        paused_s = time.monotonic()
        publish(redis, launch_name, spec, "paused")
        await anyio.sleep(1.2)
        sent = len(it.seen)
        assert it.seen[-1].at_s - paused_s < 1
        assert (len(replayed(redis, launch_name)), waiting(redis, launch_name)) == (sent, MANY - sent)
        await anyio.sleep(0.3)
        assert len(it.seen) == sent
        publish(redis, launch_name, LaunchSpec(it.origin))
        await eventually(lambda: len(outcomes(redis, launch_name)) == MANY)
    assert lost(redis, launch_name) == []
    assert len({seen.headers["x-darklaunch-exchange"] for seen in it.seen}) == len(it.seen) == MANY


async def test_what_waits_in_a_paused_launch_can_be_discarded(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin), "paused", settle="paused")
        admit_some(redis, launch_name, 1, 5)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 5)
        assert lost(redis, launch_name) == ["paused"] * 5
        publish(redis, launch_name, LaunchSpec(it.origin))
        publish(redis, launch_name, LaunchSpec(it.origin), "paused")
        assert redis.execute_command("HGET", keys.launch(launch_name), "settle") is None
    assert it.seen == []


async def test_what_grows_stale_while_it_waits_for_the_rate_is_not_sent(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, max_rps=1))
        admit(redis, launch_name, exchange(launch_name, 1), exchange(launch_name, 2, age_s=299.4))
        await eventually(lambda: len(outcomes(redis, launch_name)) == 2)
    assert (len(it.seen), lost(redis, launch_name)) == (1, ["stale"])


async def test_a_damaged_control_state_means_wait(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin), "on-fire")
        publish(redis, f"{launch_name}-whole", LaunchSpec(it.origin))
        redis.execute_command("SADD", keys.LAUNCHES, b"\xff\xfe not a launch")
        for name in (launch_name, f"{launch_name}-whole"):
            admit_some(redis, name, 1, 2)
        await eventually(lambda: len(outcomes(redis, f"{launch_name}-whole")) == 2)
        assert waiting(redis, launch_name) == 2
        publish(redis, launch_name, LaunchSpec(it.origin))
        await eventually(lambda: len(replayed(redis, launch_name)) == 2)


async def test_a_promoted_launch_replays_what_is_left(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin), "promoted")
        admit_some(redis, launch_name, 1, 3)
        await eventually(lambda: len(replayed(redis, launch_name)) == 3)


async def test_a_launch_that_is_gone_is_left(url: str, redis: RedisClient, launch_name: str) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: len(replayed(redis, launch_name)) == 1)
        redis.execute_command("SREM", keys.LAUNCHES, launch_name)
        redis.execute_command("INCR", keys.REVISION)
        group = (keys.captures(launch_name), keys.WORKER_GROUP)
        await eventually(lambda: redis.execute_command("XINFO CONSUMERS", *group) == [])
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 2, 1)
        await eventually(lambda: len(replayed(redis, launch_name)) == 2)

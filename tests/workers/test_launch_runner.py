"""A launch that is held, rolled back, paused, damaged, promoted, changed or gone while exchanges wait."""

import time
from collections.abc import Callable
from functools import partial

import anyio
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient

from tests.support.workers import (  # fmt: skip  # fmt: skip
    ReceivedRequest,
    admit,
    admit_many,
    count_waiting,
    format_response,
    make_exchange,
    publish,
    read_drop_reasons,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
    with_deadline,
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
    async with running_shadow() as shadow, running_worker(url):
        spec = LaunchSpec(shadow.origin, max_rps=20)
        publish(redis, launch_name, spec, status)
        admit_many(redis, launch_name, 1, MANY)
        await wait_until(lambda: len(shadow.received) > 3)
        stopped_s = time.monotonic()
        stop(redis, launch_name, spec)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == MANY)
    assert shadow.received[-1].at_s - stopped_s < 5  # at the rate of this launch all would take 7.5 s
    assert len(read_replays(redis, launch_name)) == len(shadow.received)
    assert read_drop_reasons(redis, launch_name) == ["superseded_by_rollback"] * (MANY - len(shadow.received))


async def test_a_paused_launch_waits_and_loses_nothing(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        spec = LaunchSpec(shadow.origin, max_rps=20)
        publish(redis, launch_name, spec)
        admit_many(redis, launch_name, 1, MANY)
        await wait_until(lambda: len(shadow.received) > 3)
        publish(redis, launch_name, spec, "paused")
        sent = -1
        while sent != len(shadow.received):  # 20 a second would be sent
            sent = len(shadow.received)
            await anyio.sleep(0.5)
        assert sent < MANY
        await wait_until(lambda: len(read_replays(redis, launch_name)) == sent)
        assert count_waiting(redis, launch_name) == MANY - sent
        assert len(shadow.received) == sent
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == MANY)
    assert read_drop_reasons(redis, launch_name) == []
    assert len({request.exchange_id for request in shadow.received}) == len(shadow.received) == MANY


async def test_what_waits_in_a_paused_launch_can_be_discarded(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin), "paused", settle="paused")
        admit_many(redis, launch_name, 1, 5)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 5)
        assert read_drop_reasons(redis, launch_name) == ["paused"] * 5
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        publish(redis, launch_name, LaunchSpec(shadow.origin), "paused")
        assert redis.execute_command("HGET", keys.launch(launch_name), "settle") is None
    assert shadow.received == []


async def test_a_damaged_launch_state_means_wait(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin), "on-fire")
        publish(redis, f"{launch_name}-whole", LaunchSpec(shadow.origin))
        redis.execute_command("SADD", keys.LAUNCHES, b"\xff\xfe not a launch")
        for name in (launch_name, f"{launch_name}-whole"):
            admit_many(redis, name, 1, 2)
        await wait_until(lambda: len(read_outcomes(redis, f"{launch_name}-whole")) == 2)
        assert count_waiting(redis, launch_name) == 2
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 2)


async def test_a_promoted_launch_replays_what_is_left(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin), "promoted")
        admit_many(redis, launch_name, 1, 3)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 3)


async def test_a_launch_that_is_gone_is_left(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 1)
        redis.execute_command("SREM", keys.LAUNCHES, launch_name)
        redis.execute_command("INCR", keys.REVISION)
        group = (keys.captures(launch_name), keys.WORKER_GROUP)
        await wait_until(lambda: redis.execute_command("XINFO CONSUMERS", *group) == [])
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 2, 1)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 2)


def has_outcomes(redis: RedisClient, launch: str, count: int) -> bool:
    return len(read_outcomes(redis, launch)) == count


async def test_a_new_specification_takes_effect(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as old, running_shadow() as new, running_worker(url):
        publish(redis, launch_name, LaunchSpec(old.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 1)
        publish(redis, launch_name, LaunchSpec(new.origin))
        for seq in range(2, 42):
            admit_many(redis, launch_name, seq, 1)
            await wait_until(partial(has_outcomes, redis, launch_name, seq))
            if new.received:
                break
            await anyio.sleep(0.1)
    assert old.received
    assert len(new.received) == 1


async def test_a_launch_that_cannot_be_replayed_waits_alone(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec("ftp://nowhere"))
        publish(redis, f"{launch_name}-good", LaunchSpec(shadow.origin))
        for name in (launch_name, f"{launch_name}-good"):
            admit_many(redis, name, 1, 3)
        await wait_until(lambda: len(read_outcomes(redis, f"{launch_name}-good")) == 3)
        assert count_waiting(redis, launch_name) == 3
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 3)


async def test_the_shards_of_a_launch_share_its_limit(url: str, redis: RedisClient, launch_name: str) -> None:
    under_way: list[int] = [0]

    async def respond(_request: ReceivedRequest) -> bytes:
        under_way.append(under_way[-1] + 1)
        await anyio.sleep(0.05)
        under_way.append(under_way[-1] - 1)
        return format_response()

    async with running_shadow(respond) as shadow, running_worker(url, concurrency=2):
        publish(redis, launch_name, LaunchSpec(shadow.origin, shards=3))
        for shard in range(3):
            admit(redis, launch_name, make_exchange(launch_name, 1), make_exchange(launch_name, 2), shard=shard)
        await wait_until(lambda: all(len(read_outcomes(redis, launch_name, shard)) == 2 for shard in range(3)))
    assert max(under_way) == 2


async def test_a_hanging_shadow_slows_no_other_launch(url: str, redis: RedisClient, launch_name: str) -> None:
    released = anyio.Event()

    async def hang(_request: ReceivedRequest) -> bytes:
        await released.wait()
        return format_response()

    sick, well = launch_name, f"{launch_name}-well"
    async with running_shadow(hang) as hanging, running_shadow() as fine, running_worker(url, concurrency=4):
        publish(redis, sick, with_deadline(LaunchSpec(hanging.origin), 60))
        publish(redis, well, LaunchSpec(fine.origin))
        admit_many(redis, sick, 1, 20)
        await wait_until(lambda: len(hanging.received) == 4)
        admit_many(redis, well, 1, 100)
        await wait_until(lambda: len(read_replays(redis, well)) == 100)
        assert (len(hanging.received), read_outcomes(redis, sick)) == (4, [])
        released.set()
        await wait_until(lambda: len(read_replays(redis, sick)) == 20)

"""What a worker keeps waiting is not charged to the shadow."""

import time

import anyio
import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.replay import ShadowResponse

from tests.support.pool import Seen, admit_some, eventually, http, publish, replayed, shadow, working

pytestmark = pytest.mark.anyio

TAKES_S = 0.02
EXCHANGES = 50


async def test_an_overloaded_workers_queue_is_not_in_the_shadows_latency(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def answer(_seen: Seen) -> bytes:
        await anyio.sleep(TAKES_S)
        return http()

    async with shadow(answer) as it, working(url, concurrency=1):
        admit_some(redis, launch_name, 1, EXCHANGES)
        admitted_ms = time.time() * 1000
        publish(redis, launch_name, LaunchSpec(it.origin))
        await eventually(lambda: len(replayed(redis, launch_name)) == EXCHANGES, 60)
    answers = [one.shadow for one in replayed(redis, launch_name) if isinstance(one.shadow, ShadowResponse)]
    took_ms = sorted(one.response.latency_ms for one in answers)
    waited_ms = sorted(one.replayed_at_ms - admitted_ms for one in answers)
    # One at a time: half of them waited for at least 24 others, whose answers took 20 ms each.
    assert waited_ms[EXCHANGES // 2] > 24 * TAKES_S * 1000
    assert took_ms[0] >= TAKES_S * 1000
    assert took_ms[EXCHANGES // 2] < waited_ms[EXCHANGES // 2] / 2
    assert sum(took_ms) < waited_ms[-1] + took_ms[-1]  # they were sent one after the other, none counted twice

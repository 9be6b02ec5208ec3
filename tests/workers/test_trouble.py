"""A shadow in trouble: it is spared, told apart from a wrong answer, and no other launch feels it."""

import time

import anyio
import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.consumer import GroupConsumer
from darklaunch_shared.wire.replay import ShadowError, ShadowErrorClass, ShadowResponse
from darklaunch_workers.limits import OUTAGE_FAILURES

from tests.support.pool import (  # fmt: skip
    Seen,
    admit_some,
    eventually,
    http,
    outcomes,
    publish,
    quick,
    replayed,
    shadow,
    waiting,
    working,
)

pytestmark = pytest.mark.anyio


async def test_a_hanging_shadow_slows_no_other_launch(url: str, redis: RedisClient, launch_name: str) -> None:
    released = anyio.Event()

    async def hang(_seen: Seen) -> bytes:
        await released.wait()
        return http()

    sick, well = launch_name, f"{launch_name}-well"
    async with shadow(hang) as hanging, shadow() as fine, working(url, concurrency=4):
        publish(redis, sick, quick(LaunchSpec(hanging.origin), 60))
        publish(redis, well, LaunchSpec(fine.origin))
        admit_some(redis, sick, 1, 20)
        await eventually(lambda: len(hanging.seen) == 4)
        admit_some(redis, well, 1, 100)
        await eventually(lambda: len(replayed(redis, well)) == 100)
        assert (len(hanging.seen), outcomes(redis, sick)) == (4, [])
        released.set()
        await eventually(lambda: len(replayed(redis, sick)) == 20)


async def test_what_is_still_in_hand_is_not_sent_again_when_its_lease_ran_out(
    url: str, redis: RedisClient, launch_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may be away until a lease is over; then this worker's own claim can come before its extension."""

    async def forget(*_: object) -> None:
        pass

    async def slow(_seen: Seen) -> bytes:
        await anyio.sleep(0.9)
        return http()

    monkeypatch.setattr(GroupConsumer, "extend", forget)
    async with shadow(slow) as it, working(url, lease_s=0.5):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 1)
        await eventually(lambda: len(replayed(redis, launch_name)) == 1)
        assert len(it.seen) == 1


async def test_a_replay_that_takes_too_long_is_a_timeout(url: str, redis: RedisClient, launch_name: str) -> None:
    async def hang(_seen: Seen) -> bytes:
        await anyio.sleep(30)
        return b""

    async with shadow(hang) as it, working(url):
        publish(redis, launch_name, quick(LaunchSpec(it.origin), 0.5))
        admit_some(redis, launch_name, 1, 2)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 2)
    for replay in replayed(redis, launch_name):
        assert isinstance(replay.shadow, ShadowError)
        assert (replay.shadow.error, replay.shadow.attempts) == (ShadowErrorClass.TIMEOUT, 1)
        assert replay.shadow.waited_ms >= 499


async def test_retries_are_at_most_a_tenth_of_first_tries(url: str, redis: RedisClient, launch_name: str) -> None:
    async def busy(_seen: Seen) -> bytes:
        return http(503, b"", "retry-after: 0")

    async with shadow(busy) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 55)
        await eventually(lambda: len(outcomes(redis, launch_name)) == 55)
    answers = [replay.shadow for replay in replayed(redis, launch_name)]
    assert {shadow.response.status for shadow in answers if isinstance(shadow, ShadowResponse)} == {503}
    assert sum(shadow.attempts for shadow in answers) == len(it.seen)
    assert 55 < len(it.seen) <= 55 + 5


@pytest.mark.parametrize(
    ("trouble", "tries"), [((503, b"", "retry-after: 0"), 2), ((503, b""), 1), ((500, b"", "retry-after: 0"), 1)]
)
async def test_only_an_answer_that_asks_for_it_is_tried_again(
    url: str, redis: RedisClient, launch_name: str, trouble: tuple[int, bytes], tries: int
) -> None:
    async def answer(seen: Seen) -> bytes:
        first = sum(other.target == seen.target for other in it.seen) == 1
        return http(*trouble) if seen.target == "/once" and first else http()

    async with shadow(answer) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 10)  # what the one retry is saved from
        await eventually(lambda: len(outcomes(redis, launch_name)) == 10)
        admit_some(redis, launch_name, 11, 1, target="/once")
        await eventually(lambda: len(outcomes(redis, launch_name)) == 11)
    last = replayed(redis, launch_name)[-1].shadow
    assert isinstance(last, ShadowResponse)
    assert (last.attempts, last.response.status) == (tries, 200 if tries == 2 else trouble[0])


async def test_a_broken_shadow_gets_one_probe_a_second(url: str, redis: RedisClient, launch_name: str) -> None:
    async def hang_up(_seen: Seen) -> bytes:
        return b""

    async def recovered(_seen: Seen) -> bytes:
        return http()

    async with shadow(hang_up) as it, working(url, concurrency=4):
        publish(redis, launch_name, LaunchSpec(it.origin))
        admit_some(redis, launch_name, 1, 100)
        await eventually(lambda: len(outcomes(redis, launch_name)) >= OUTAGE_FAILURES)
        await anyio.sleep(0.2)
        before, since_s = len(it.seen), time.monotonic()
        assert before < OUTAGE_FAILURES + 4
        await anyio.sleep(2.5)
        probes = len(it.seen) - before
        assert 1 <= probes <= time.monotonic() - since_s + 1
        assert waiting(redis, launch_name) >= 100 - before - probes
        it.answer = recovered
        await eventually(lambda: waiting(redis, launch_name) == 0)
    assert len(replayed(redis, launch_name)) == 100

"""The second answer of one version: whom a worker asks, for which exchanges, and what it never costs."""

import asyncio
from itertools import pairwise

import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.replay import ReplayedVersion, ShadowError, ShadowErrorClass, ShadowResponse
from darklaunch_workers.limits import OUTAGE_FAILURES
from darklaunch_workers.noise_replay import is_chosen_for_noise

from tests.support.pool import (  # fmt: skip
    Seen,
    admit,
    admit_some,
    eventually,
    exchange,
    http,
    ledger,
    publish,
    quick,
    replayed,
    shadow,
    working,
)

pytestmark = pytest.mark.anyio

CLOSED = "http://127.0.0.1:1"


def share(percent: float, method: str = "GET", **spec: bool) -> float:
    """Give the share of 5,000 exchanges that is replayed a second time."""
    launch = LaunchSpec("http://shadow", allow=("POST /**",), noise_percent=percent, **spec)
    taken = [is_chosen_for_noise(exchange("x", seq, method=method), launch) for seq in range(1, 5001)]
    assert taken == [is_chosen_for_noise(exchange("x", seq, method=method), launch) for seq in range(1, 5001)]
    return sum(taken) / len(taken)


def test_a_share_of_the_safe_exchanges_is_chosen_by_their_ids() -> None:
    assert share(10) == pytest.approx(0.1, abs=0.02)
    assert share(10, "HEAD") == share(10)
    assert (share(0), share(100)) == (0, 1)
    assert share(100, "POST") == share(100, "DELETE") == 0
    assert share(100, compare=False) == 0


async def test_without_a_control_the_shadow_is_asked_again(url: str, redis: RedisClient, launch_name: str) -> None:
    async def answer(seen: Seen) -> bytes:
        return http(200, f"{seen.at_s}".encode())

    async with shadow(answer) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, allow=("POST /**",)), noise=100)
        admit(redis, launch_name, exchange(launch_name, 1), exchange(launch_name, 2, method="POST"))
        await eventually(lambda: len(replayed(redis, launch_name)) == 2)
    read, written = sorted(replayed(redis, launch_name), key=lambda replay: replay.exchange.id)
    assert [seen.method for seen in it.seen].count("GET") == 2
    assert [seen.method for seen in it.seen].count("POST") == 1
    assert len({seen.headers["x-darklaunch-exchange"] for seen in it.seen if seen.method == "GET"}) == 1
    assert written.noise_replay is None
    assert read.noise_replay is not None
    assert isinstance(read.noise_replay.outcome, ShadowResponse)
    assert isinstance(read.shadow, ShadowResponse)
    assert read.noise_replay.version is ReplayedVersion.SHADOW
    assert read.noise_replay.outcome.response.body != read.shadow.response.body
    assert ledger(redis, launch_name) == {"admitted": 2, "replayed": 2}


async def test_a_control_is_asked_as_itself_and_the_shadow_once(url: str, redis: RedisClient, launch_name: str) -> None:
    async def answer(_seen: Seen) -> bytes:
        return http(200, b'{"of": "primary"}')

    async with shadow() as it, shadow(answer) as control, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, control=control.origin), noise=50)
        admit_some(redis, launch_name, 1, 40, target="/orders/7?q=a%20b", headers=(("x-user", "42"),))
        await eventually(lambda: len(replayed(redis, launch_name)) == 40)
    spec = LaunchSpec(it.origin, noise_percent=50)
    asked = {seq for seq in range(1, 41) if is_chosen_for_noise(exchange(launch_name, seq), spec)}
    assert len(it.seen) == 40
    assert {int(seen.headers["x-darklaunch-exchange"].partition(":")[2]) for seen in control.seen} == asked
    assert len(control.seen) == len(asked)
    first = control.seen[0]
    assert (first.target, first.headers["x-user"]) == ("/orders/7?q=a%20b", "42")
    assert first.headers["host"] == control.origin.removeprefix("http://")
    for replay in replayed(redis, launch_name):
        number = int(replay.exchange.id.partition(":")[2])
        assert (replay.noise_replay is not None) == (number in asked)
        if replay.noise_replay is not None:
            assert replay.noise_replay.version is ReplayedVersion.PRIMARY
            assert isinstance(replay.noise_replay.outcome, ShadowResponse)
            assert replay.noise_replay.outcome.response.body == replay.exchange.primary.body


async def test_a_control_that_is_away_costs_no_exchange_anything(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with shadow() as it, working(url, concurrency=1):
        publish(redis, launch_name, LaunchSpec(it.origin, control=CLOSED), noise=100)
        admit_some(redis, launch_name, 1, 40)
        await eventually(lambda: len(replayed(redis, launch_name)) == 40)
    repeats = [
        replay.noise_replay.outcome for replay in replayed(redis, launch_name) if replay.noise_replay is not None
    ]
    assert all(isinstance(replay.shadow, ShadowResponse) for replay in replayed(redis, launch_name))
    assert {outcome.error for outcome in repeats if isinstance(outcome, ShadowError)} == {ShadowErrorClass.REFUSED}
    assert OUTAGE_FAILURES <= len(repeats) < 40  # its breaker is open: it is left alone
    assert len(it.seen) == 40
    assert ledger(redis, launch_name) == {"admitted": 40, "replayed": 40}


async def test_a_control_that_hangs_holds_no_replay_up(url: str, redis: RedisClient, launch_name: str) -> None:
    async def hang(_seen: Seen) -> bytes:
        await asyncio.sleep(60)
        return b""

    async with shadow() as it, shadow(hang) as control, working(url):
        publish(redis, launch_name, quick(LaunchSpec(it.origin, control=control.origin), 4), noise=100)
        admit_some(redis, launch_name, 1, 100)
        await eventually(lambda: len(it.seen) == 100, within_s=3.9)  # sooner than the first of them is given up
        await eventually(lambda: len(replayed(redis, launch_name)) == 100)
    assert 1 <= len(control.seen) < 20


async def test_a_control_that_cannot_be_used_leaves_the_launch_at_work(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, control="ftp://nowhere"), noise=100)
        admit_some(redis, launch_name, 1, 3)
        await eventually(lambda: len(replayed(redis, launch_name)) == 3)
    assert len(it.seen) == 3
    assert [replay.noise_replay for replay in replayed(redis, launch_name)] == [None] * 3


async def test_second_requests_to_the_shadow_count_against_its_rate(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with shadow() as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin, max_rps=20), noise=100)
        admit_some(redis, launch_name, 1, 10)
        await eventually(lambda: len(replayed(redis, launch_name)) == 10)
    times = sorted(seen.at_s for seen in it.seen)
    assert len(times) == 20
    assert times[-1] - times[0] >= 17 / 20 * 0.95
    assert all(later >= earlier for earlier, later in pairwise(times))


async def test_a_shadow_that_asks_for_fewer_requests_gets_no_second_one(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def busy(_seen: Seen) -> bytes:
        return http(503)

    async with shadow(busy) as it, working(url):
        publish(redis, launch_name, LaunchSpec(it.origin), noise=100)
        admit_some(redis, launch_name, 1, 4)
        await eventually(lambda: len(replayed(redis, launch_name)) == 4)
    assert len(it.seen) == 4


async def test_a_second_request_that_fails_leaves_the_first_outcome(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def once(seen: Seen) -> bytes:
        exchange_id = seen.headers["x-darklaunch-exchange"]
        if sum(other.headers["x-darklaunch-exchange"] == exchange_id for other in it.seen) > 1:
            return b""
        return http()

    async with shadow(once) as it, working(url, concurrency=1):
        publish(redis, launch_name, LaunchSpec(it.origin), noise=100)
        admit_some(redis, launch_name, 1, 3)
        await eventually(lambda: len(replayed(redis, launch_name)) == 3)
    for replay in replayed(redis, launch_name):
        assert isinstance(replay.shadow, ShadowResponse)
        assert replay.noise_replay is not None
        assert isinstance(replay.noise_replay.outcome, ShadowError)
        assert replay.noise_replay.outcome.error is ShadowErrorClass.RESET

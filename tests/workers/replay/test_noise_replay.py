"""The second answer of one version: whom a worker asks, for which exchanges, and what it never costs."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import orjson
import pytest
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.replay import ReplayedVersion, ShadowError, ShadowErrorClass, ShadowResponse
from darklaunch_workers.protection.limits import OUTAGE_FAILURES
from darklaunch_workers.replay.endpoint_noise import MOST_AT_ONCE, EndpointNoise
from darklaunch_workers.replay.noise_replay import differs_visibly, is_chosen_for_noise

from tests.support.workers import (  # fmt: skip
    ReceivedRequest,
    admit,
    admit_many,
    format_response,
    make_exchange,
    publish,
    read_ledger,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
    with_deadline,
)

pytestmark = pytest.mark.anyio

CLOSED = "http://127.0.0.1:1"
TYPE = "content-type: application/json"
TIMED = "server-timing: darklaunch;dur=0.001"


def share(percent: float, method: str = "GET", *, compare: bool = True) -> float:
    """Return the share of 5,000 exchanges that is replayed a second time."""
    launch = LaunchSpec("http://shadow", allow=("POST /**",), noise_percent=percent, compare=compare)
    chosen = [is_chosen_for_noise(make_exchange("x", seq, method=method), launch) for seq in range(1, 5001)]
    assert chosen == [is_chosen_for_noise(make_exchange("x", seq, method=method), launch) for seq in range(1, 5001)]
    return sum(chosen) / len(chosen)


def test_a_share_of_the_safe_exchanges_is_chosen_by_their_ids() -> None:
    assert share(10) == pytest.approx(0.1, abs=0.02)
    assert share(10, "HEAD") == share(10)
    assert (share(0), share(100)) == (0, 1)
    assert share(100, "POST") == share(100, "DELETE") == 0
    assert share(100, compare=False) == 0


async def test_without_a_baseline_the_shadow_is_asked_again(url: str, redis: RedisClient, launch_name: str) -> None:
    async def respond(request: ReceivedRequest) -> bytes:
        return format_response(200, f"{request.at_s}".encode())

    async with running_shadow(respond) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, allow=("POST /**",)), noise=100)
        admit(redis, launch_name, make_exchange(launch_name, 1), make_exchange(launch_name, 2, method="POST"))
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 2)
    read, written = sorted(read_replays(redis, launch_name), key=lambda replay: replay.exchange.id)
    assert [request.method for request in shadow.received].count("GET") == 2
    assert [request.method for request in shadow.received].count("POST") == 1
    assert len({request.exchange_id for request in shadow.received if request.method == "GET"}) == 1
    assert written.noise_replay is None
    assert read.noise_replay is not None
    assert isinstance(read.noise_replay.outcome, ShadowResponse)
    assert isinstance(read.shadow, ShadowResponse)
    assert read.noise_replay.version is ReplayedVersion.SHADOW
    assert read.noise_replay.outcome.response.body != read.shadow.response.body
    assert read_ledger(redis, launch_name) == {"admitted": 2, "replayed": 2}


def test_a_shadow_without_the_hook_has_the_baseline_asked_more_often() -> None:
    spec = LaunchSpec("http://shadow", noise_percent=10.0)
    usual = {seq for seq in range(1, 2001) if is_chosen_for_noise(make_exchange("x", seq), spec)}
    timed = {seq for seq in range(1, 2001) if is_chosen_for_noise(make_exchange("x", seq), spec, least_percent=30.0)}
    assert usual < timed
    assert 500 < len(timed) < 700


async def test_a_baseline_is_asked_as_itself_and_the_shadow_once(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        return format_response(200, b'{"of": "primary"}', TYPE)

    async with running_shadow(respond) as shadow, running_shadow(respond) as baseline, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, control=baseline.origin), noise=50)
        admit_many(redis, launch_name, 1, 40, target="/orders/7?q=a%20b", headers=(("x-user", "42"),))
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 40)
    for replay in read_replays(redis, launch_name):
        assert isinstance(replay.shadow, ShadowResponse)
        assert replay.shadow.floor_ms
        if replay.noise_replay is not None:  # both are timed by the same client, pair by pair
            assert isinstance(replay.noise_replay.outcome, ShadowResponse)
            assert replay.noise_replay.outcome.worker_ms
            assert replay.noise_replay.outcome.floor_ms
    spec = LaunchSpec(shadow.origin, noise_percent=50)
    chosen = {seq for seq in range(1, 41) if is_chosen_for_noise(make_exchange(launch_name, seq), spec)}
    assert len(shadow.received) == 40
    assert {int(request.exchange_id.partition(":")[2]) for request in baseline.received} == chosen
    assert len(baseline.received) == len(chosen)
    first = baseline.received[0]
    assert (first.target, first.headers["x-user"]) == ("/orders/7?q=a%20b", "42")
    assert first.headers["host"] == baseline.origin.removeprefix("http://")
    for replay in read_replays(redis, launch_name):
        number = int(replay.exchange.id.partition(":")[2])
        assert (replay.noise_replay is not None) == (number in chosen)
        if replay.noise_replay is not None:
            assert replay.noise_replay.version is ReplayedVersion.PRIMARY
            assert isinstance(replay.noise_replay.outcome, ShadowResponse)
            assert replay.noise_replay.outcome.response.body == replay.exchange.primary.body


async def test_a_baseline_that_is_away_costs_no_exchange_anything(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url, concurrency=1):
        publish(redis, launch_name, LaunchSpec(shadow.origin, control=CLOSED), noise=100)
        admit_many(redis, launch_name, 1, 40)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 40)
    repeats = [
        replay.noise_replay.outcome for replay in read_replays(redis, launch_name) if replay.noise_replay is not None
    ]
    assert all(isinstance(replay.shadow, ShadowResponse) for replay in read_replays(redis, launch_name))
    assert {outcome.error for outcome in repeats if isinstance(outcome, ShadowError)} == {ShadowErrorClass.REFUSED}
    assert OUTAGE_FAILURES <= len(repeats) < 40  # its breaker is open: it is left alone
    assert len(shadow.received) == 40
    assert read_ledger(redis, launch_name) == {"admitted": 40, "replayed": 40}


async def test_a_baseline_that_hangs_holds_no_replay_up(url: str, redis: RedisClient, launch_name: str) -> None:
    async def hang(_request: ReceivedRequest) -> bytes:
        await asyncio.sleep(60)
        return b""

    async with running_shadow() as shadow, running_shadow(hang) as baseline, running_worker(url):
        publish(redis, launch_name, with_deadline(LaunchSpec(shadow.origin, control=baseline.origin), 4), noise=100)
        admit_many(redis, launch_name, 1, 100)
        await wait_until(lambda: len(shadow.received) == 100, within_s=3.9)  # sooner than the first of them is given up
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 100)
    assert 1 <= len(baseline.received) < 20


async def test_a_baseline_that_cannot_be_used_leaves_the_launch_at_work(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, control="ftp://nowhere"), noise=100)
        admit_many(redis, launch_name, 1, 3)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 3)
    assert len(shadow.received) == 3
    assert [replay.noise_replay for replay in read_replays(redis, launch_name)] == [None] * 3


async def test_second_requests_to_the_shadow_count_against_its_rate(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, max_rps=20), noise=100)
        admit_many(redis, launch_name, 1, 10)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 10)
    times = sorted(request.at_s for request in shadow.received)
    assert len(times) == 20
    assert times[-1] - times[0] >= 17 / 20 * 0.95
    assert all(later >= earlier for earlier, later in pairwise(times))


async def test_a_shadow_that_asks_for_fewer_requests_gets_no_second_one(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def busy(_request: ReceivedRequest) -> bytes:
        return format_response(503)

    async with running_shadow(busy) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin), noise=100)
        admit_many(redis, launch_name, 1, 4)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 4)
    assert len(shadow.received) == 4


async def test_a_second_request_that_fails_leaves_the_first_outcome(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def once(request: ReceivedRequest) -> bytes:
        exchange_id = request.exchange_id
        if sum(other.exchange_id == exchange_id for other in shadow.received) > 1:
            return b""
        return format_response()

    async with running_shadow(once) as shadow, running_worker(url, concurrency=1):
        publish(redis, launch_name, LaunchSpec(shadow.origin), noise=100)
        admit_many(redis, launch_name, 1, 3)
        await wait_until(lambda: len(read_replays(redis, launch_name)) == 3)
    for replay in read_replays(redis, launch_name):
        assert isinstance(replay.shadow, ShadowResponse)
        assert replay.noise_replay is not None
        assert isinstance(replay.noise_replay.outcome, ShadowError)
        assert replay.noise_replay.outcome.error is ShadowErrorClass.RESET


def differing(**fields: Any) -> bool:
    """True if a response like that of `make_exchange` with other fields is asked for again."""
    primary = make_exchange("x", 1).primary
    return differs_visibly(primary, replace(primary, latency_ms=9.0, **fields))


def test_what_differs_by_a_byte_or_a_compared_header_is_worth_asking_again() -> None:
    headers = make_exchange("x", 1).primary.headers
    assert not differing()
    assert differing(status=201)
    assert differing(body=b'{"of": "primary"} ')
    assert differing(headers=(*headers, ("vary", "cookie")))
    assert differing(headers=(*headers, ("etag", "x")))
    assert not differing(headers=(*headers, ("date", "now"), ("content-length", "17")))


@pytest.mark.parametrize("has_baseline", [False, True])
async def test_responses_that_differ_are_asked_for_again_until_their_noise_is_known(
    url: str, redis: RedisClient, launch_name: str, has_baseline: bool
) -> None:
    async def respond(request: ReceivedRequest) -> bytes:
        body = b'{"of": "primary"}' if request.target == "/same" else b'{"of": "shadow"}'
        return format_response(200, body, TYPE, TIMED)

    async def replay(first: int, **request: Any) -> None:
        """Replay 20 exchanges, few at a time: the baseline is not asked while it is busy."""
        for seq in range(first, first + 20, 4):
            admit_many(redis, launch_name, seq, 4, **request)
            await wait_until(lambda: len(read_replays(redis, launch_name)) == seq + 3)  # noqa: B023

    def count_asked_twice() -> int:
        return sum(replay.noise_replay is not None for replay in read_replays(redis, launch_name))

    async with running_shadow(respond) as shadow, running_shadow(respond) as baseline, running_worker(url):
        control = baseline.origin if has_baseline else ""
        publish(redis, launch_name, LaunchSpec(shadow.origin, control=control), noise=0.001)
        await replay(1, target="/same")
        await replay(21)
        assert count_asked_twice() == 20
        redis.execute_command("SET", keys.known_noise(launch_name), orjson.dumps(["GET /orders/{id}"]))
        await asyncio.sleep(1.5)
        await replay(41)
        assert count_asked_twice() == 20
        redis.execute_command("SET", keys.known_noise(launch_name), b"[]")
        await asyncio.sleep(1.5)
        await replay(61)
        assert count_asked_twice() == 40
    assert len(baseline.received) == (40 if has_baseline else 0)
    assert len(shadow.received) == (80 if has_baseline else 120)


def test_nobody_asks_for_ever_where_nobody_says_that_the_noise_is_known() -> None:
    noise = EndpointNoise()
    for _ in range(MOST_AT_ONCE):
        assert noise.is_unknown("GET /a")
        noise.count_replay("GET /a")
    assert not noise.is_unknown("GET /a")
    assert noise.is_unknown("GET /b")
    noise.read_known(b'["GET /a"]')
    noise.read_known(b"[]")
    assert noise.is_unknown("GET /a"), "something new turned up there"

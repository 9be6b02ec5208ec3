"""One exchange through a running worker: replayed and described, or dropped with its reason."""

import time

import anyio
import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.replay import (
    LatencySource,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    UnreplayedExchange,
)

from tests.support.workers import (  # fmt: skip  # fmt: skip
    ReceivedRequest,
    admit,
    admit_many,
    count_waiting,
    format_response,
    make_exchange,
    publish,
    read_drop_reasons,
    read_ledger,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
    with_deadline,
)

pytestmark = pytest.mark.anyio

TAKES_S = 0.02

EXCHANGES = 50


async def test_an_exchange_is_replayed_and_passed_on(url: str, redis: RedisClient, launch_name: str) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        return format_response(201, b"from the shadow", "x-of: shadow")

    async with running_shadow(respond) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 3, target="/orders/%2e%2e/7?q=a%20b", headers=(("x-user", "42"),))
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 3)
    first = read_replays(redis, launch_name)[0]
    assert isinstance(first.shadow, ShadowResponse)
    assert (first.shadow.response.status, first.shadow.response.body) == (201, b"from the shadow")
    assert (first.shadow.latency_source, first.shadow.attempts) == (LatencySource.CLIENT, 1)
    assert first.exchange.primary.body == b'{"of": "primary"}'
    assert read_ledger(redis, launch_name) == {"admitted": 3, "replayed": 3}
    assert count_waiting(redis, launch_name) == 0
    request = shadow.received[0]
    assert (request.method, request.target, request.headers["x-user"]) == ("GET", "/orders/%2e%2e/7?q=a%20b", "42")
    assert request.headers["x-darklaunch-launch"] == launch_name


async def test_the_latency_and_the_build_that_the_shadow_tells_are_taken(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        return format_response(
            200, b"{}", "server-timing: db;dur=9999, darklaunch;dur=0.001", 'server-timing: darklaunch-build;desc="v42"'
        )

    async with running_shadow(respond) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 1)
    (replay,) = read_replays(redis, launch_name)
    assert isinstance(replay.shadow, ShadowResponse)
    assert (replay.shadow.latency_source, replay.shadow.response.latency_ms) == (LatencySource.SERVER_TIMING, 0.001)
    assert replay.shadow.build == "v42"
    assert replay.shadow.client_ms is not None
    assert replay.shadow.client_ms == replay.shadow.worker_ms
    assert replay.shadow.client_ms > 0.001
    assert replay.shadow.floor_ms is not None


async def test_what_must_not_be_sent_is_dropped_with_its_reason(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, allow=("POST /search",), skip=("/private/**",)))
        admit(
            redis,
            launch_name,
            make_exchange(launch_name, 1, method="DELETE"),
            make_exchange(launch_name, 2, headers=(("X-Darklaunch-Exchange", "eeee:1"),)),
            make_exchange(launch_name, 3, target="/a b"),
            make_exchange(launch_name, 4, headers=(("x", "a\r\nhost: elsewhere"),)),
            make_exchange(launch_name, 5, age_s=301),
            make_exchange(launch_name, 6, target="/private/me"),
            make_exchange(launch_name, 7, method="POST", target="/search?q=1", body=b"{}"),
            make_exchange(launch_name, 8, method="POST", target="/search", body=b"x" * 1_048_577),
            make_exchange(launch_name, 9, headers=(("X-HTTP-Method-Override", "DELETE"),)),
            make_exchange(launch_name, 10, target="/x/%2e%2e/%70rivate/me"),
            make_exchange(launch_name, 11, headers=(("X-Original-URL", "/private/me"),)),
        )
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 11)
    reasons = {
        outcome.id.partition(":")[2]: outcome.reason
        for outcome in read_outcomes(redis, launch_name)
        if isinstance(outcome, UnreplayedExchange)
    }
    assert reasons == {
        "1": "unsafe_method", "2": "loop", "3": "bad_input", "4": "bad_input", "5": "stale", "6": "path",
        "8": "too_large", "9": "method_override", "10": "path", "11": "path",
    }  # fmt: skip
    (sent,) = shadow.received
    assert (sent.method, sent.target, sent.body) == ("POST", "/search?q=1", b"{}")
    assert sent.headers["idempotency-key"]
    assert read_ledger(redis, launch_name) == {"admitted": 11, "replayed": 1, "dropped": 10}


async def test_a_shadow_that_is_not_there_is_an_outcome(url: str, redis: RedisClient, launch_name: str) -> None:
    async with running_shadow() as shadow:
        pass
    async with running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 1)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 1)
    (replay,) = read_replays(redis, launch_name)
    assert isinstance(replay.shadow, ShadowError)
    assert replay.shadow.error is ShadowErrorClass.REFUSED
    assert "\n" not in replay.shadow.detail


async def test_a_replay_that_takes_too_long_is_a_timeout(url: str, redis: RedisClient, launch_name: str) -> None:
    async def hang(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(30)
        return b""

    async with running_shadow(hang) as shadow, running_worker(url):
        publish(redis, launch_name, with_deadline(LaunchSpec(shadow.origin), 0.5))
        admit_many(redis, launch_name, 1, 2)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 2)
    for replay in read_replays(redis, launch_name):
        assert isinstance(replay.shadow, ShadowError)
        assert (replay.shadow.error, replay.shadow.attempts) == (ShadowErrorClass.TIMEOUT, 1)
        assert replay.shadow.waited_ms >= 499


async def test_what_grows_stale_while_it_waits_for_the_rate_is_not_sent(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async with running_shadow() as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin, max_rps=1))
        admit(redis, launch_name, make_exchange(launch_name, 1), make_exchange(launch_name, 2, age_s=299.4))
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 2)
    assert (len(shadow.received), read_drop_reasons(redis, launch_name)) == (1, ["stale"])


async def test_an_overloaded_workers_queue_is_not_in_the_shadows_latency(
    url: str, redis: RedisClient, launch_name: str
) -> None:
    async def respond(_request: ReceivedRequest) -> bytes:
        await anyio.sleep(TAKES_S)
        return format_response()

    async with running_shadow(respond) as shadow, running_worker(url, concurrency=1):
        admit_many(redis, launch_name, 1, EXCHANGES)
        admitted_ms = time.time() * 1000
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        await wait_until(lambda: len(read_replays(redis, launch_name)) == EXCHANGES, 60)
    responses = [
        replay.shadow for replay in read_replays(redis, launch_name) if isinstance(replay.shadow, ShadowResponse)
    ]
    took_ms = sorted(response.response.latency_ms for response in responses)
    waited_ms = sorted(response.replayed_at_ms - admitted_ms for response in responses)
    # One at a time: half of them waited for at least 24 others, whose answers took 20 ms each.
    assert waited_ms[EXCHANGES // 2] > 24 * TAKES_S * 1000
    assert took_ms[0] >= TAKES_S * 1000
    assert took_ms[EXCHANGES // 2] < waited_ms[EXCHANGES // 2] / 2
    assert sum(took_ms) < waited_ms[-1] + took_ms[-1]  # they were sent one after the other, none counted twice

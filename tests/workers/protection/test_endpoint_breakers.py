"""An endpoint that fails is stopped alone; a shadow that fails is stopped as a whole."""

from collections import Counter
from dataclasses import replace

import anyio
import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.replay import Replay, ShadowErrorClass, ShadowResponse
from darklaunch_workers.protection.endpoint_breakers import (
    ENDPOINT_FAILURES,
    MOST_ENDPOINTS,
    PROBE_SHARE,
    EndpointAdmission,
    EndpointBreakers,
)
from darklaunch_workers.protection.limits import OUTAGE_FAILURES, ShadowProtection

from tests.support.workers import (
    ReceivedRequest,
    admit,
    count_waiting,
    format_response,
    make_exchange,
    publish,
    read_outcomes,
    running_shadow,
    running_worker,
    wait_until,
    with_deadline,
)

HANGING, GOOD = "GET /hang", "GET /good"
FREE, PROBE, REFUSED = EndpointAdmission


def break_endpoint(breakers: EndpointBreakers, endpoint: str = HANGING) -> None:
    for _ in range(ENDPOINT_FAILURES):
        breakers.record_failure(endpoint)
        breakers.record_response(GOOD)


def test_a_failing_endpoint_is_tried_once_a_second_and_the_others_freely() -> None:
    breakers = EndpointBreakers(slots=64)
    break_endpoint(breakers)
    assert breakers.list_open() == [HANGING]
    assert [breakers.admit(HANGING, at_s) for at_s in (5.0, 5.5, 5.9, 6.0, 6.5)] == [
        PROBE, REFUSED, REFUSED, PROBE, REFUSED,
    ]  # fmt: skip
    assert breakers.admit(GOOD, 5.0) is FREE


def test_an_endpoint_that_responds_is_well_again() -> None:
    breakers = EndpointBreakers(slots=64)
    break_endpoint(breakers)
    breakers.record_response(HANGING)
    assert breakers.admit(HANGING, 5.0) is FREE
    assert breakers.list_open() == []


def test_failures_are_an_endpoints_own_only_while_the_shadow_responds_elsewhere() -> None:
    breakers = EndpointBreakers(slots=64)
    for _ in range(100):
        breakers.record_failure(HANGING)
    assert breakers.admit(HANGING, 5.0) is FREE
    assert not breakers.explains(HANGING)
    for _ in range(ENDPOINT_FAILURES):
        breakers.record_response(GOOD)
    assert breakers.explains(HANGING)
    assert breakers.refuses(HANGING, 5.0) is False
    assert breakers.admit(HANGING, 5.0) is PROBE
    assert breakers.refuses(HANGING, 5.0) is True


def test_attempts_at_failing_endpoints_use_a_share_of_the_slots() -> None:
    breakers = EndpointBreakers(slots=16)
    failing = [f"GET /hang/{nth}" for nth in range(10)]
    for endpoint in failing:
        break_endpoint(breakers, endpoint)
    admissions = [breakers.admit(endpoint, 5.0) for endpoint in failing]
    assert Counter(admissions) == {PROBE: 16 // PROBE_SHARE, REFUSED: 10 - 16 // PROBE_SHARE}
    breakers.end_probe()
    assert breakers.admit(failing[-1], 5.0) is PROBE


def test_endpoints_that_somebody_makes_up_fill_no_memory() -> None:
    breakers = EndpointBreakers(slots=64)
    for nth in range(MOST_ENDPOINTS + 10):
        break_endpoint(breakers, f"GET /{nth}")
    assert len(breakers.list_open()) == MOST_ENDPOINTS
    assert breakers.admit(f"GET /{MOST_ENDPOINTS + 1}", 5.0) is FREE


def test_a_hanging_endpoint_costs_the_others_neither_limit_nor_breaker() -> None:
    protection = ShadowProtection(concurrency=64, max_rps=0, now_s=0.0)
    for at_s in range(200):
        protection.record_try(ShadowErrorClass.TIMEOUT, HANGING, started_s=at_s, now_s=at_s + 0.5, under_way=8)
        protection.record_try(200, GOOD, started_s=at_s, now_s=at_s + 0.6, under_way=64)
    assert protection.breaker.closed
    assert protection.limit.limit > 16


def test_an_endpoint_that_always_asks_for_fewer_requests_slows_no_other() -> None:
    protection = ShadowProtection(concurrency=64, max_rps=0, now_s=0.0)
    for at_s in range(200):
        protection.record_try(503, HANGING, started_s=at_s, now_s=at_s + 0.5, under_way=8)
        protection.record_try(200, GOOD, started_s=at_s, now_s=at_s + 0.6, under_way=64)
    assert protection.limit.limit > 16
    assert protection.admit(HANGING, 300.0) is FREE


def test_a_shadow_that_asks_for_fewer_requests_everywhere_gets_fewer() -> None:
    protection = ShadowProtection(concurrency=64, max_rps=0, now_s=0.0)
    for at_s in range(200):
        for endpoint in (HANGING, GOOD):
            protection.record_try(503, endpoint, started_s=at_s, now_s=at_s + 0.5, under_way=64)
    assert protection.limit.limit == 2


@pytest.mark.parametrize("error", [ShadowErrorClass.REFUSED, ShadowErrorClass.TIMEOUT, ShadowErrorClass.RESET])
def test_an_outage_of_the_whole_shadow_is_no_endpoints_fault(error: ShadowErrorClass) -> None:
    protection = ShadowProtection(concurrency=64, max_rps=0, now_s=0.0)
    endpoints = [f"GET /{nth}" for nth in range(3)]
    for nth in range(20 * OUTAGE_FAILURES):
        protection.record_try(error, endpoints[nth % 3], started_s=nth, now_s=nth + 0.5, under_way=1)
    assert not protection.breaker.closed
    assert [protection.admit(endpoint, 200.0) for endpoint in endpoints] == [FREE] * 3
    protection.record_try(200, endpoints[0], started_s=200, now_s=200.1, under_way=1)
    for _ in range(2 * ENDPOINT_FAILURES):
        protection.record_try(200, endpoints[0], started_s=200, now_s=200.1, under_way=1)
    assert protection.breaker.closed
    assert [protection.admit(endpoint, 201.0) for endpoint in endpoints] == [FREE] * 3


# ---- through a real worker, against a shadow of many modes -----------------------------------------------------------

EACH = 25
OK = format_response()
BROKEN = {
    "reset": b"",
    "half-a-head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "half-a-body": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
    "half-a-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nhalf",
}
"""What breaks a connection off. The connection ends after it."""
WRONG = {
    "not-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "switches": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "too-large": b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n",
    "many-fields": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"content-length: 2\r\n\r\nok",
    "bad-chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
}
"""What is no response that can be read."""
STATUSES = (200, 201, 301, 400, 401, 404, 410, 429, 500, 502, 503)
ANSWERED = {
    **{f"status-{status}": format_response(status) for status in STATUSES},
    "retry-after": format_response(503, b"{}", "retry-after: 60"),
    "no-body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "early-hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK,
    "long": format_response(200, b"x" * 100_000),
}
HANGS = [f"hang-{nth}" for nth in range(14)]
MODES = [*ANSWERED, *WRONG, *BROKEN, *HANGS]


async def respond_by_mode(request: ReceivedRequest) -> bytes:
    mode = request.target.removeprefix("/")
    if mode in HANGS:
        await anyio.sleep(60)
    return {**BROKEN, **WRONG, **ANSWERED}[mode]


def list_traffic(launch: str) -> list[Exchange]:
    return [
        replace(make_exchange(launch, 1 + turn * len(MODES) + nth, target=f"/{mode}"), endpoint=f"GET /{mode}")
        for turn in range(EACH)
        for nth, mode in enumerate(MODES)
    ]


@pytest.mark.anyio
async def test_a_mixed_hostile_shadow_of_39_modes_is_worked_off(url: str, redis: RedisClient, launch_name: str) -> None:
    assert len(MODES) == 39
    async with running_shadow(respond_by_mode) as shadow, running_worker(url, client="fast"):
        publish(redis, launch_name, with_deadline(LaunchSpec(shadow.origin), 0.6))
        admit(redis, launch_name, *list_traffic(launch_name))
        await wait_until(lambda: count_waiting(redis, launch_name) == 0, 30)
    responses, errors, dropped = Counter[str](), Counter[str](), Counter[str]()
    for outcome in read_outcomes(redis, launch_name):
        if not isinstance(outcome, Replay):
            assert outcome.reason == "endpoint_failing"
            dropped[outcome.endpoint.removeprefix("GET /")] += 1
        elif isinstance(outcome.shadow, ShadowResponse):
            responses[outcome.exchange.endpoint.removeprefix("GET /")] += 1
        else:
            errors[outcome.exchange.endpoint.removeprefix("GET /")] += 1
    assert responses == dict.fromkeys(ANSWERED, EACH)
    for mode in WRONG:
        assert (errors[mode], dropped[mode]) == (EACH, 0), mode
    for mode in (*BROKEN, *HANGS):
        assert errors[mode] >= ENDPOINT_FAILURES, mode
        assert errors[mode] + dropped[mode] == EACH, mode
    assert dropped.total() > 0

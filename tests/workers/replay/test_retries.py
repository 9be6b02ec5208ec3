"""How often one request is sent: once, and again only where that is safe, useful, and within every bound."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from darklaunch_shared.crypto.keyring import NO_KEYS
from darklaunch_shared.launch.origin import parse_origin
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.replay import (
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
)
from darklaunch_workers.admission.entry_keys import EntryKeys
from darklaunch_workers.admission.orders import REPLAY, WAIT, ReplayOrders
from darklaunch_workers.http import ShadowFailure, ShadowReply, make_client, replay_request
from darklaunch_workers.http.deadlines import DeadlineTimer
from darklaunch_workers.protection.limits import RETRY_EVERY, RETRY_RESERVE, ShadowProtection
from darklaunch_workers.replay.endpoint_noise import EndpointNoise
from darklaunch_workers.replay.launch_context import LaunchContext
from darklaunch_workers.replay.outcome import ShadowBuild
from darklaunch_workers.replay.retries import MAX_TRIES, RetryingSender, is_worth_retrying, parse_retry_after_s

from tests.support.workers import (  # fmt: skip  # fmt: skip
    ReceivedRequest,
    admit_many,
    format_response,
    make_exchange,
    publish,
    read_outcomes,
    read_replays,
    running_shadow,
    running_worker,
    wait_until,
    with_deadline,
)

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def sending(
    origin: str,
    *,
    deadline_s: float = 20.0,
    saved: int = RETRY_RESERVE,
    orders: ReplayOrders = REPLAY,
    probe: bool = False,
    method: str = "GET",
) -> AsyncIterator[RetryingSender]:
    """Return the sender of one request, with a budget of `saved` retries; check that it takes one for each retry."""
    protection = ShadowProtection(concurrency=8, max_rps=0, now_s=0.0)
    for _ in range(RETRY_EVERY * saved):
        protection.budget.record_first_try()
    spec, to = with_deadline(LaunchSpec(origin), deadline_s), parse_origin(origin)
    context = LaunchContext(
        launch="shop",
        spec=spec,
        shadow=None,
        baseline=None,
        build=ShadowBuild(spec),
        protection=protection,
        slots=protection.make_slots(),
        orders=lambda: orders,
        endpoint_noise=EndpointNoise(),
        concurrency=8,
        lease_s=spec.lease_s,
        entry_keys=EntryKeys(None, NO_KEYS),
        deadlines=DeadlineTimer(),
    )
    client, captured = make_client(to, slots=1), make_exchange("shop", 1, method=method).request
    request = replay_request(captured, launch="shop", exchange_id="abcd1234:1", shadow=to, entropy=bytes(24))
    try:
        with anyio.fail_after(10), context.slots.take() as slot:
            sender = RetryingSender(context, client, request, endpoint="GET /", slot=slot, probe=probe)
            yield sender
        left = sum(protection.budget.take() for _ in range(saved + 1))
        assert left == saved - (sender.attempts - 1)
    finally:
        await client.aclose()


async def busy(_request: ReceivedRequest) -> bytes:
    return format_response(503, b"", "retry-after: 0")


async def later(_request: ReceivedRequest) -> bytes:
    return format_response(503, b"", "retry-after: 30")


async def closes(_request: ReceivedRequest) -> bytes:
    return b""


async def test_a_busy_shadow_is_asked_four_times_at_most() -> None:
    async with running_shadow(busy) as shadow, sending(shadow.origin) as sender:
        outcome = await sender.run()
    assert isinstance(outcome, ShadowReply) and outcome.response.status == 503
    assert sender.attempts == len(shadow.received) == MAX_TRIES == 4


async def test_a_write_is_sent_once_however_the_shadow_answers() -> None:
    async with running_shadow(busy) as shadow, sending(shadow.origin, method="POST") as sender:
        await sender.run()
    assert sender.attempts == len(shadow.received) == 1


async def test_where_nothing_listens_each_exchange_counts_as_refused() -> None:
    async with running_shadow() as shadow:
        pass
    async with sending(shadow.origin) as sender:
        outcome = await sender.run()
    assert isinstance(outcome, ShadowFailure) and outcome.error is ShadowErrorClass.REFUSED
    assert sender.attempts == 1


async def test_what_may_have_reached_the_shadow_is_not_sent_again() -> None:
    async with running_shadow(closes) as shadow, sending(shadow.origin) as sender:
        outcome = await sender.run()
    assert isinstance(outcome, ShadowFailure) and outcome.error is ShadowErrorClass.RESET
    assert sender.attempts == len(shadow.received) == 1


async def test_nobody_waits_past_the_deadline_to_come_back() -> None:
    async with running_shadow(later) as shadow, sending(shadow.origin, deadline_s=5.0) as sender:
        await sender.run()
    assert len(shadow.received) == 1


async def test_without_leave_or_budget_and_of_a_probe_there_is_no_second_try() -> None:
    async with running_shadow(busy) as shadow:
        for less in ({"orders": WAIT}, {"saved": 0}, {"probe": True}):
            async with sending(shadow.origin, **less) as sender:
                await sender.run()
    assert len(shadow.received) == 3


@pytest.mark.parametrize("error", ShadowErrorClass)
@pytest.mark.parametrize("sent", [False, True])
def test_no_failure_is_tried_away(error: ShadowErrorClass, sent: bool) -> None:
    assert not is_worth_retrying(ShadowFailure(error, "", sent=sent, waited_ms=1.0))


@pytest.mark.parametrize("client", ["fast", "httpx"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_shadow_that_resets_half_of_its_connections_fails_half_of_the_replays(
    url: str, redis: RedisClient, launch_name: str, client: str, method: str
) -> None:
    async def respond(request: ReceivedRequest) -> bytes:
        return b"" if len(shadow.received) % 2 else format_response()

    async with running_shadow(respond) as shadow, running_worker(url, client=client):
        publish(redis, launch_name, LaunchSpec(shadow.origin, allow=("POST /**",)))
        admit_many(redis, launch_name, 1, 60, method=method)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 60)
    outcomes = [replay.shadow for replay in read_replays(redis, launch_name)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, ShadowError)]
    assert len({request.exchange_id for request in shadow.received}) == len(shadow.received) == 60
    assert {outcome.error for outcome in failed} == {ShadowErrorClass.RESET}
    assert len(failed) == 30
    assert {outcome.attempts for outcome in outcomes} == {1}


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 59.0),
        ("Fri, 31 Dec 1998 23:59:59 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("9" * 50, None),
        ("\u00b2", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, wait_s: float | None) -> None:
    assert parse_retry_after_s((("x", "1"), ("retry-after", value)), 946_684_740.0) == wait_s
    assert parse_retry_after_s((), 0.0) is None


async def test_retries_are_at_most_a_tenth_of_first_tries(url: str, redis: RedisClient, launch_name: str) -> None:
    async def busy(_request: ReceivedRequest) -> bytes:
        return format_response(503, b"", "retry-after: 0")

    async with running_shadow(busy) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 55)
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 55)
    outcomes = [replay.shadow for replay in read_replays(redis, launch_name)]
    assert {outcome.response.status for outcome in outcomes if isinstance(outcome, ShadowResponse)} == {503}
    assert sum(outcome.attempts for outcome in outcomes) == len(shadow.received)
    assert 55 < len(shadow.received) <= 55 + 5


@pytest.mark.parametrize(
    ("trouble", "tries"), [((503, b"", "retry-after: 0"), 2), ((503, b""), 1), ((500, b"", "retry-after: 0"), 1)]
)
async def test_only_an_answer_that_asks_for_it_is_tried_again(
    url: str, redis: RedisClient, launch_name: str, trouble: tuple[int, bytes], tries: int
) -> None:
    async def respond(request: ReceivedRequest) -> bytes:
        first = sum(other.target == request.target for other in shadow.received) == 1
        return format_response(*trouble) if request.target == "/once" and first else format_response()

    async with running_shadow(respond) as shadow, running_worker(url):
        publish(redis, launch_name, LaunchSpec(shadow.origin))
        admit_many(redis, launch_name, 1, 10)  # what the one retry is saved from
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 10)
        admit_many(redis, launch_name, 11, 1, target="/once")
        await wait_until(lambda: len(read_outcomes(redis, launch_name)) == 11)
    last = read_replays(redis, launch_name)[-1].shadow
    assert isinstance(last, ShadowResponse)
    assert (last.attempts, last.response.status) == (tries, 200 if tries == 2 else trouble[0])

"""How often one request is sent: once, and again only where that is safe, useful, and within every bound."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from darklaunch_shared.crypto.keyring import NO_KEYS
from darklaunch_shared.launch.origin import parse_origin
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.replay import ShadowErrorClass
from darklaunch_workers.admission import REPLAY, WAIT, ReplayOrders
from darklaunch_workers.entry_keys import EntryKeys
from darklaunch_workers.http import ShadowFailure, ShadowReply, make_client, replay_request
from darklaunch_workers.http.deadlines import DeadlineTimer
from darklaunch_workers.launch_context import LaunchContext
from darklaunch_workers.limits import RETRY_EVERY, RETRY_RESERVE, ReplaySlots, ShadowProtection
from darklaunch_workers.outcome import ShadowBuild
from darklaunch_workers.retries import MAX_TRIES, ReplyOrFailure, RetryingSender, is_worth_retrying, parse_retry_after_s

from tests.support.pool import Seen, exchange, http, quick, shadow

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def tries(
    origin: str,
    *,
    deadline_s: float = 20.0,
    saved: int = RETRY_RESERVE,
    orders: ReplayOrders = REPLAY,
    probe: bool = False,
) -> AsyncIterator[RetryingSender]:
    """Give the tries of one request, with a budget of so many retries; see that what was not used of it is left."""
    protection = ShadowProtection(concurrency=8, max_rps=0, now_s=0.0)
    for _ in range(RETRY_EVERY * saved):
        protection.budget.record_first_try()
    spec, to = quick(LaunchSpec(origin), deadline_s), parse_origin(origin)
    context = LaunchContext(
        launch="shop",
        spec=spec,
        shadow=None,
        baseline=None,
        build=ShadowBuild(spec),
        protection=protection,
        slots=ReplaySlots(lambda: 8),
        orders=lambda: orders,
        concurrency=8,
        lease_s=spec.lease_s,
        entry_keys=EntryKeys(None, NO_KEYS),
        deadlines=DeadlineTimer(),
    )
    client, captured = make_client(to, slots=1), exchange("shop", 1).request
    request = replay_request(captured, launch="shop", exchange_id="abcd1234:1", shadow=to, entropy=bytes(24))
    them = RetryingSender(context, client, request, probe=probe)
    try:
        with anyio.fail_after(10):
            yield them
        left = sum(protection.budget.take() for _ in range(saved + 1))
        assert left == saved - (them.attempts - 1)
    finally:
        await client.aclose()


async def busy(_seen: Seen) -> bytes:
    return http(503, b"", "retry-after: 0")


async def later(_seen: Seen) -> bytes:
    return http(503, b"", "retry-after: 30")


async def closes(_seen: Seen) -> bytes:
    return b""


async def test_a_busy_shadow_is_asked_four_times_at_most() -> None:
    async with shadow(busy) as it, tries(it.origin) as them:
        outcome = await them.run()
    assert isinstance(outcome, ShadowReply) and outcome.response.status == 503
    assert them.attempts == len(it.seen) == MAX_TRIES == 4


async def test_where_nothing_listens_it_is_tried_again() -> None:
    async with shadow() as it:
        pass
    async with tries(it.origin) as them:
        outcome = await them.run()
    assert isinstance(outcome, ShadowFailure) and outcome.error is ShadowErrorClass.REFUSED
    assert them.attempts == MAX_TRIES


async def test_what_may_have_reached_the_shadow_is_not_sent_again() -> None:
    async with shadow(closes) as it, tries(it.origin) as them:
        outcome = await them.run()
    assert isinstance(outcome, ShadowFailure) and outcome.error is ShadowErrorClass.RESET
    assert them.attempts == len(it.seen) == 1


async def test_nobody_waits_past_the_deadline_to_come_back() -> None:
    async with shadow(later) as it, tries(it.origin, deadline_s=5.0) as them:
        await them.run()
    assert len(it.seen) == 1


async def test_without_leave_or_budget_and_of_a_probe_there_is_no_second_try() -> None:
    async with shadow(busy) as it:
        for less in ({"orders": WAIT}, {"saved": 0}, {"probe": True}):
            async with tries(it.origin, **less) as them:
                await them.run()
    assert len(it.seen) == 3


@pytest.mark.parametrize(
    ("error", "sent", "worth"),
    [
        (ShadowErrorClass.REFUSED, False, True),
        (ShadowErrorClass.DNS, False, True),
        (ShadowErrorClass.RESET, False, True),
        (ShadowErrorClass.RESET, True, False),
        (ShadowErrorClass.TIMEOUT, True, False),
        (ShadowErrorClass.TLS, False, False),
        (ShadowErrorClass.FORBIDDEN, False, False),
    ],
)
def test_which_failures_are_worth_another_try(error: ShadowErrorClass, sent: bool, worth: bool) -> None:
    outcome: ReplyOrFailure = ShadowFailure(error, "", sent=sent, waited_ms=1.0)
    assert is_worth_retrying(outcome) is worth


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

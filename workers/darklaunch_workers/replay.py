"""One exchange, from a stream entry to what became of it. Nothing here touches Redis.

The steps, in order: read the entry; obey the launch's orders; refuse what must not be sent; wait for a slot and for the
rate; obey the orders again; send; describe the outcome; for a share, ask one of the two versions a second time.
"""

import logging
import random
import time
from typing import Final, NamedTuple

import anyio
from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry, BadSeal
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.consumer import ClaimedEntry
from darklaunch_shared.wire.exchange import Exchange, strip_secrets, unpack_exchange
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import (
    NoiseReplay,
    ShadowError,
    ShadowResponse,
    UnreplayedExchange,
    pack_replay,
    pack_unreplayed,
)

from .admission import refusal, stale
from .http import ShadowClient, ShadowRequest, UnsendableRequest, replay_request
from .launch_context import LaunchContext
from .launch_mode import ReplayMode
from .noise_repeat import ask_control, ask_shadow_again
from .outcome import GRACE_S, described, too_late
from .retries import RetryingSender

_FIELDS: Final = (keys.V, keys.ID, keys.META, keys.REQUEST, keys.RESPONSE)

log = logging.getLogger("darklaunch.worker")


class ExchangeOutcome(NamedTuple):
    """The end of an exchange: the fields to pass on, and the ledger's counter for it."""

    onward: Fields
    counter: str


class ReplayedExchange(NamedTuple):
    """An exchange that is done with the shadow: what came of it there, once and perhaps a second time."""

    exchange: Exchange
    captured: Fields
    shadow: ShadowResponse | ShadowError
    repeat: NoiseReplay | None


async def settle(
    desk: LaunchContext, delivery: ClaimedEntry, *, probe: bool = False
) -> ReplayedExchange | ExchangeOutcome | None:
    """Replay one exchange, or say why not. None: it must wait, so it goes back.

    What was replayed is passed on by `conclude`. A probe goes out although the breaker is open. Raises BadEntry when
    the entry is not an exchange of this launch, or not signed as this worker asks for.
    """
    desk.secrets.verify(delivery.fields)
    exchange = unpack_exchange(delivery.fields)
    if exchange.launch != desk.launch:
        raise BadEntry(f"the entry belongs to the launch {exchange.launch[:63]!r}")
    orders = desk.orders()
    if orders.mode is ReplayMode.SETTLE:
        return dropped(exchange, orders.reason)
    if orders.mode is ReplayMode.WAIT or desk.shadow is None:
        return None
    if reason := refusal(exchange, desk.shadow.policy, desk.spec):
        return dropped(exchange, reason)
    if stale(exchange, desk.spec, time.time()):
        return dropped(exchange, "stale")
    try:
        opened = desk.secrets.opened(exchange, may_open=desk.spec.seal)
    except BadSeal as why:
        log.warning("exchange %s of %s is dropped: %s", exchange.id, exchange.launch, why)
        return dropped(exchange, "unsealable")
    try:
        request = replay_request(
            opened.request,
            launch=desk.launch,
            exchange_id=exchange.id,
            shadow=desk.shadow.origin,
            host=desk.spec.host,
            entropy=random.randbytes(24),
        )
        if waits := desk.slots.full:
            await desk.slots.wait_for_room()
        with desk.slots:
            if wait_s := desk.protection.bucket.take(time.monotonic()):
                waits = True
                await anyio.sleep(wait_s)
            if waits:  # much can happen meanwhile
                orders = desk.orders()
                if orders.mode is ReplayMode.SETTLE:
                    return dropped(exchange, orders.reason)
                if orders.mode is ReplayMode.WAIT:
                    return None
                if stale(exchange, desk.spec, time.time()):
                    return dropped(exchange, "stale")
            if not (probe or desk.protection.breaker.closed):
                return None
            crash_point("worker.slot_taken")
            outcome = await _send(desk, desk.shadow.client, request, probe=probe)
            crash_point("worker.responded")
            repeat = None if probe else await ask_shadow_again(desk, opened, request, outcome)
    except UnsendableRequest:
        return dropped(exchange, "bad_input")
    return ReplayedExchange(opened, _own(exchange, delivery.fields), outcome, repeat)


async def conclude(desk: LaunchContext, replayed: ReplayedExchange) -> ExchangeOutcome:
    """Ask the control, where there is one and the exchange is in the share; then describe all that came of it.

    Nothing of the shadow's is taken up any more: a slow control keeps no replay from going out.
    """
    repeat = replayed.repeat
    if repeat is None and desk.control is not None:
        repeat = await ask_control(desk, desk.control, replayed.exchange, replayed.shadow)
    return ExchangeOutcome(pack_replay(replayed.captured, replayed.shadow, repeat), "replayed")


async def _send(
    desk: LaunchContext, client: ShadowClient, request: ShadowRequest, *, probe: bool
) -> ShadowResponse | ShadowError:
    deadline_s = desk.spec.deadline_s
    at_ms = time.time_ns() // 1_000_000
    started_s = time.monotonic()
    tries = RetryingSender(desk, client, request, probe=probe)
    try:
        with desk.deadlines.within(deadline_s + GRACE_S):
            outcome = await tries.run()
    except TimeoutError:
        waited_ms = (time.monotonic() - started_s) * 1000
        return too_late(deadline_s, attempts=tries.attempts, waited_ms=waited_ms, at_ms=at_ms, builds=desk.builds)
    waited_ms = (time.monotonic() - started_s) * 1000
    return described(outcome, attempts=tries.attempts, waited_ms=waited_ms, at_ms=at_ms, builds=desk.builds)


def _own(exchange: Exchange, fields: Fields) -> Fields:
    """Keep what an exchange consists of; sealed credentials, and what else somebody put into the entry, end here."""
    own = {name: fields[name] for name in _FIELDS}
    return {**own, keys.META: strip_secrets(own[keys.META])} if exchange.sealed else own


def dropped(exchange: Exchange, reason: str) -> ExchangeOutcome:
    """Settle an exchange without a replay."""
    loss = UnreplayedExchange(
        exchange.id, exchange.launch, exchange.captured_at_ms, exchange.endpoint, "dropped", reason
    )
    return ExchangeOutcome(pack_unreplayed(loss), "dropped")

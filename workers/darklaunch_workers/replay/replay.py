"""One exchange, from a stream entry to its outcome. Only the fence touches Redis.

The steps, in order: read the entry; refuse a copy of one that was signed; obey the launch's orders; refuse what must
not be sent; wait for a slot and for the rate; obey the orders again; send; describe what came of it; for a share,
replay a second time on one of the versions.
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

from darklaunch_workers.admission.entry_fence import EntryFence
from darklaunch_workers.admission.orders import ReplayMode, find_refusal, is_stale
from darklaunch_workers.http import UnsendableRequest, replay_request
from darklaunch_workers.protection.endpoint_breakers import EndpointAdmission

from .launch_context import LaunchContext
from .noise_replay import replay_on_baseline, replay_on_shadow_again
from .outcome import await_outcome
from .retries import RetryingSender

_EXCHANGE_FIELDS: Final = (keys.V, keys.ID, keys.META, keys.REQUEST, keys.RESPONSE)

log = logging.getLogger("darklaunch.worker")


class ExchangeOutcome(NamedTuple):
    """The end of an exchange: the fields to pass on (empty: nothing), and the ledger's counter for it."""

    onward: Fields
    counter: str


REPEATED: Final = ExchangeOutcome({}, "repeated")
"""The end of a copy: its exchange has an outcome from the entry that was first, and gets no second one."""


class ReplayedExchange(NamedTuple):
    """An exchange that is done with the shadow, replayed there once and perhaps a second time.

    `captured` are the fields to pass on of the entry it came in, without sealed credentials.
    """

    exchange: Exchange
    captured: Fields
    shadow: ShadowResponse | ShadowError
    noise_replay: NoiseReplay | None


async def replay_exchange(
    context: LaunchContext, entry: ClaimedEntry, *, fence: EntryFence | None = None, probe: bool = False
) -> ReplayedExchange | ExchangeOutcome | None:
    """Replay one exchange on the shadow, or drop it. None: it must wait, so the caller hands it back.

    What was replayed gets its outcome from `complete_replay`. A probe goes out although the breaker is open. Raises
    BadEntry when the entry is not an exchange of this launch, or not signed as this worker requires, and RedisError
    from the fence.
    """
    context.entry_keys.verify(entry.fields)
    exchange = unpack_exchange(entry.fields)
    if exchange.launch != context.launch:
        raise BadEntry(f"the entry belongs to the launch {exchange.launch[:63]!r}")
    stale = is_stale(exchange, context.spec, time.time())
    if fence is not None and not stale and not await fence.admits(exchange, entry.entry_id):
        log.warning("a copy of exchange %s of %s is refused", exchange.id, exchange.launch)
        return REPEATED
    orders = context.orders()
    if orders.mode is ReplayMode.DROP:
        return drop_exchange(exchange, orders.reason)
    if orders.mode is ReplayMode.WAIT or context.shadow is None:
        return None
    if reason := find_refusal(exchange, context.shadow.policy, context.spec):
        return drop_exchange(exchange, reason)
    if stale:
        return drop_exchange(exchange, "stale")
    if not probe and context.protection.refuses(exchange.endpoint, time.monotonic()):
        return drop_exchange(exchange, "endpoint_failing")
    try:
        unsealed = context.entry_keys.unseal(exchange, launch_seals=context.spec.seal)
    except BadSeal as error:
        log.warning("exchange %s of %s is dropped: %s", exchange.id, exchange.launch, error)
        return drop_exchange(exchange, "unsealable")
    try:
        request = replay_request(
            unsealed.request,
            launch=context.launch,
            exchange_id=exchange.id,
            shadow=context.shadow.origin,
            host=context.spec.host,
            entropy=random.randbytes(24),
        )
        request = context.shadow.changer.apply(request)
        if waited := context.slots.full:
            await context.slots.wait_for_room()
        with context.slots.take() as slot:
            if wait_s := context.protection.bucket.take(time.monotonic()):
                waited = True
                await anyio.sleep(wait_s)
            if waited:  # the orders may have changed meanwhile, and the exchange may have grown stale
                orders = context.orders()
                if orders.mode is ReplayMode.DROP:
                    return drop_exchange(exchange, orders.reason)
                if orders.mode is ReplayMode.WAIT:
                    return None
                if is_stale(exchange, context.spec, time.time()):
                    return drop_exchange(exchange, "stale")
            if not (probe or context.protection.breaker.closed):
                return None
            admission = context.protection.admit(exchange.endpoint, time.monotonic())
            if admission is EndpointAdmission.REFUSED and not probe:
                return drop_exchange(exchange, "endpoint_failing")
            crash_point("worker.slot_taken")
            sender = RetryingSender(
                context, context.shadow.client, request, endpoint=exchange.endpoint, slot=slot, probe=probe
            )
            try:
                outcome = await await_outcome(sender, context.deadlines, context.spec.deadline_s, context.build)
            finally:
                if admission is EndpointAdmission.PROBE:
                    context.protection.endpoints.end_probe()
            crash_point("worker.responded")
            noise_replay = None if probe else await replay_on_shadow_again(context, unsealed, request, outcome)
    except UnsendableRequest:
        return drop_exchange(exchange, "bad_input")
    return ReplayedExchange(unsealed, _keep_exchange_fields(exchange, entry.fields), outcome, noise_replay)


async def complete_replay(context: LaunchContext, replayed: ReplayedExchange) -> ExchangeOutcome:
    """Return the outcome of a replayed exchange, after replaying it on the baseline where that is due.

    The exchange occupies no slot of the shadow any more: a slow baseline keeps no replay from going out.
    """
    noise_replay = replayed.noise_replay
    if noise_replay is None and context.baseline is not None:
        noise_replay = await replay_on_baseline(context, context.baseline, replayed.exchange, replayed.shadow)
    return ExchangeOutcome(pack_replay(replayed.captured, replayed.shadow, noise_replay), "replayed")


def drop_exchange(exchange: Exchange, reason: str) -> ExchangeOutcome:
    """Return the outcome of an exchange that is not replayed."""
    loss = UnreplayedExchange(
        exchange.id, exchange.launch, exchange.captured_at_ms, exchange.endpoint, "dropped", reason
    )
    return ExchangeOutcome(pack_unreplayed(loss), "dropped")


def _keep_exchange_fields(exchange: Exchange, fields: Fields) -> Fields:
    """Return the fields an exchange consists of, without sealed credentials and whatever else the entry has."""
    own_fields = {name: fields[name] for name in _EXCHANGE_FIELDS}
    if not exchange.sealed:
        return own_fields
    return {**own_fields, keys.META: strip_secrets(own_fields[keys.META])}

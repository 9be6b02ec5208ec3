"""Ask one version a second time, for the noise baseline: which exchanges, whom, and when not.

What two answers of the same version do not share is noise, whatever the other version says. The control, a second
instance of the primary's version, is asked when there is one; else the shadow is, once more. A second answer is a
courtesy: it is left out wherever it would cost an exchange its outcome, or a sick server more than it can take.
"""

import random
import time
from hashlib import blake2b

import anyio
from darklaunch_shared.launch.spec import SAFE_METHODS, LaunchSpec
from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.replay import NoiseReplay, ReplayedVersion, ShadowError, ShadowResponse

from .http import ShadowClient, ShadowRequest, UnsendableRequest, replay_request
from .launch_context import BaselineTarget, LaunchContext
from .launch_mode import ReplayMode
from .limits import CONGESTED_STATUS, ShadowProtection
from .outcome import GRACE_S, described, too_late
from .retries import send_once, sends
from .shadow_build import ShadowBuild


def chosen(exchange: Exchange, spec: LaunchSpec) -> bool:
    """Say whether an exchange is replayed a second time: its id decides, so that every delivery decides alike."""
    if not (spec.compare and spec.noise_percent > 0 and exchange.request.method in SAFE_METHODS):
        return False
    drawn = blake2b(exchange.id.encode(), digest_size=8, person=b"noise").digest()
    return int.from_bytes(drawn) < spec.noise_percent / 100 * 2**64


async def ask_shadow_again(
    desk: LaunchContext, exchange: Exchange, request: ShadowRequest, first: ShadowResponse | ShadowError
) -> NoiseReplay | None:
    """Send the request to the shadow once more, when there is no control. The caller holds the first try's slot.

    It counts against the launch's rate like any other, and is neither retried nor saved up for as a first try.
    """
    if desk.shadow is None or desk.spec.control or not (_answered(first) and chosen(exchange, desk.spec)):
        return None
    if wait_s := desk.protection.bucket.take(time.monotonic()):
        await anyio.sleep(wait_s)
    if desk.orders().mode is not ReplayMode.REPLAY or not desk.protection.breaker.closed:
        return None
    outcome = await _ask(desk, desk.shadow.client, request, desk.protection, desk.slots.busy, desk.builds)
    return NoiseReplay(ReplayedVersion.SHADOW, outcome)


async def ask_control(
    desk: LaunchContext, control: BaselineTarget, exchange: Exchange, first: ShadowResponse | ShadowError
) -> NoiseReplay | None:
    """Send the request to the control, when it has room now: nothing ever waits for a slot there."""
    if not (_answered(first) and chosen(exchange, desk.spec)):
        return None
    breaker, now_s = control.protection.breaker, time.monotonic()
    probe = breaker.probe_due(now_s)
    if control.slots.full or control.protection.bucket.room(now_s) < 1 or not (probe or breaker.closed):
        return None
    if probe:
        breaker.begin_probe()
    try:
        with control.slots:
            return await _send_to_control(desk, control, exchange)
    except UnsendableRequest:
        return None
    finally:
        if probe:
            breaker.end_probe()


async def _send_to_control(desk: LaunchContext, control: BaselineTarget, exchange: Exchange) -> NoiseReplay | None:
    if wait_s := control.protection.bucket.take(time.monotonic()):
        await anyio.sleep(wait_s)
    if desk.orders().mode is not ReplayMode.REPLAY:
        return None
    request = replay_request(
        exchange.request,
        launch=desk.launch,
        exchange_id=exchange.id,
        shadow=control.origin,
        host=desk.spec.host,
        entropy=random.randbytes(24),
    )
    outcome = await _ask(desk, control.client, request, control.protection, control.slots.busy, None)
    return NoiseReplay(ReplayedVersion.PRIMARY, outcome)


async def _ask(
    desk: LaunchContext,
    client: ShadowClient,
    request: ShadowRequest,
    protection: ShadowProtection,
    under_way: int,
    builds: ShadowBuild | None,
) -> ShadowResponse | ShadowError:
    deadline_s = desk.spec.deadline_s
    at_ms = time.time_ns() // 1_000_000
    started_s = time.monotonic()
    try:
        with desk.deadlines.within(deadline_s + GRACE_S):
            outcome = await send_once(client, request, protection, deadline_s, under_way)
    except TimeoutError:
        waited_ms = (time.monotonic() - started_s) * 1000
        return too_late(deadline_s, attempts=1, waited_ms=waited_ms, at_ms=at_ms, builds=builds)
    waited_ms = (time.monotonic() - started_s) * 1000
    return described(outcome, attempts=sends(outcome), waited_ms=waited_ms, at_ms=at_ms, builds=builds)


def _answered(first: ShadowResponse | ShadowError) -> bool:
    """Say whether the shadow gave an answer worth comparing: one that asks for fewer requests gets no second one."""
    return isinstance(first, ShadowResponse) and first.response.status not in CONGESTED_STATUS

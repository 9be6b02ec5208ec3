"""The second replay of an exchange on the same version: which exchanges, on which version, and when not.

What two responses of the same version do not share is noise, whatever the other version responds. The baseline, a
second instance of the primary's version, is asked when there is one; else the shadow is, once more. A share of the
exchanges is replayed again whatever they show, and until an endpoint's noise is known every one whose shadow responds
otherwise than the primary did: nothing is held against a version that was not asked again. A second replay is optional:
it is left out wherever it would cost an exchange its outcome, or a sick server more than it can take.
"""

import random
import time
from hashlib import blake2b
from typing import Final

import anyio
from darklaunch_shared.launch.request_changes import has_own_host
from darklaunch_shared.launch.spec import SAFE_METHODS, LaunchSpec
from darklaunch_shared.wire.exchange import Exchange, Headers, Response
from darklaunch_shared.wire.replay import LatencySource, NoiseReplay, ReplayedVersion, ShadowError, ShadowResponse

from darklaunch_workers.admission.orders import ReplayMode
from darklaunch_workers.http import ShadowRequest, UnsendableRequest, replay_request
from darklaunch_workers.protection.endpoint_breakers import EndpointAdmission
from darklaunch_workers.protection.limits import CONGESTED_STATUS

from .launch_context import BaselineTarget, LaunchContext
from .outcome import await_outcome
from .retries import SingleTry

TIMING_PERCENT: Final = 30.0
"""The least share that the baseline is asked while the shadow's latency can be told by comparison with it alone."""
_COMPARED_HEADERS: Final = frozenset(
    {
        "cache-control", "content-disposition", "content-language", "content-type", "link", "location", "vary",
        "www-authenticate",
    }
)  # fmt: skip
_EXPECTED_HEADERS: Final = frozenset({"etag", "last-modified", "retry-after"})


def is_chosen_for_noise(exchange: Exchange, spec: LaunchSpec, *, least_percent: float = 0.0) -> bool:
    """True if an exchange is replayed a second time. Its id decides, so that every delivery decides alike."""
    if not may_be_chosen(exchange, spec):
        return False
    drawn = blake2b(exchange.id.encode(), digest_size=8, person=b"noise").digest()
    return int.from_bytes(drawn) < max(spec.noise_percent, least_percent) / 100 * 2**64


def may_be_chosen(exchange: Exchange, spec: LaunchSpec) -> bool:
    """True if an exchange may be replayed a second time at all."""
    return spec.compare and spec.noise_percent > 0 and exchange.request.method in SAFE_METHODS


def differs_visibly(primary: Response, shadow: Response) -> bool:
    """True if two responses differ in their status, by a byte of their bodies, or in a header that is compared."""
    if primary.status != shadow.status or primary.body != shadow.body:
        return True
    return _list_compared(primary.headers) != _list_compared(shadow.headers)


async def replay_on_shadow_again(
    context: LaunchContext, exchange: Exchange, request: ShadowRequest, first: ShadowResponse | ShadowError
) -> NoiseReplay | None:
    """Send the request to the shadow once more, when there is no baseline. The caller still has the first try's slot.

    It takes from the launch's rate like any other, but is never retried and saves nothing for retries.
    """
    shadow = context.shadow
    if shadow is None or context.spec.control:
        return None
    if not _is_due(context, exchange, first):
        return None
    if context.protection.bucket.room(time.monotonic()) < 1:
        return None
    if wait_s := context.protection.bucket.take(time.monotonic()):
        await anyio.sleep(wait_s)
    if context.orders().mode is not ReplayMode.REPLAY or not context.protection.breaker.closed:
        return None
    context.endpoint_noise.count_replay(exchange.endpoint)
    deadline_s = context.spec.deadline_s
    single_try = SingleTry(
        shadow.client,
        request,
        exchange.endpoint,
        protection=context.protection,
        slots=context.slots,
        deadline_s=deadline_s,
    )
    outcome = await await_outcome(single_try, context.deadlines, deadline_s, context.build)
    return NoiseReplay(ReplayedVersion.SHADOW, outcome)


async def replay_on_baseline(
    context: LaunchContext, baseline: BaselineTarget, exchange: Exchange, first: ShadowResponse | ShadowError
) -> NoiseReplay | None:
    """Send the request to the baseline, when it has room now: nothing ever waits for a slot there."""
    timed_by_worker = isinstance(first, ShadowResponse) and first.latency_source is LatencySource.CLIENT
    if not _is_due(context, exchange, first, least_percent=TIMING_PERCENT if timed_by_worker else 0.0):
        return None
    breaker = baseline.protection.breaker
    now_s = time.monotonic()
    probe = breaker.probe_due(now_s)
    if baseline.slots.full or baseline.protection.bucket.room(now_s) < 1 or not (probe or breaker.closed):
        return None
    admission = baseline.protection.admit(exchange.endpoint, now_s)
    if admission is EndpointAdmission.REFUSED:
        return None
    if probe:
        breaker.begin_probe()
    try:
        with baseline.slots.take():
            return await _send_to_baseline(context, baseline, exchange)
    except UnsendableRequest:
        return None
    finally:
        if probe:
            breaker.end_probe()
        if admission is EndpointAdmission.PROBE:
            baseline.protection.endpoints.end_probe()


async def _send_to_baseline(context: LaunchContext, baseline: BaselineTarget, exchange: Exchange) -> NoiseReplay | None:
    if wait_s := baseline.protection.bucket.take(time.monotonic()):
        await anyio.sleep(wait_s)
    if context.orders().mode is not ReplayMode.REPLAY:
        return None
    request = replay_request(
        exchange.request,
        launch=context.launch,
        exchange_id=exchange.id,
        shadow=baseline.origin,
        host="shadow" if has_own_host(context.spec) else context.spec.host,
        entropy=random.randbytes(24),
    )
    request = baseline.changer.apply(request, with_prefix=False)
    context.endpoint_noise.count_replay(exchange.endpoint)
    deadline_s = context.spec.deadline_s
    single_try = SingleTry(
        baseline.client,
        request,
        exchange.endpoint,
        protection=baseline.protection,
        slots=baseline.slots,
        deadline_s=deadline_s,
    )
    outcome = await await_outcome(single_try, context.deadlines, deadline_s, None)
    return NoiseReplay(ReplayedVersion.PRIMARY, outcome)


def _is_due(
    context: LaunchContext, exchange: Exchange, first: ShadowResponse | ShadowError, *, least_percent: float = 0.0
) -> bool:
    """True if an exchange is to be replayed again; never if the shadow did not respond or asked for fewer requests."""
    if not isinstance(first, ShadowResponse) or first.response.status in CONGESTED_STATUS:
        return False
    if is_chosen_for_noise(exchange, context.spec, least_percent=least_percent):
        return True
    if not (may_be_chosen(exchange, context.spec) and context.endpoint_noise.is_unknown(exchange.endpoint)):
        return False
    return differs_visibly(exchange.primary, first.response)


def _list_compared(headers: Headers) -> list[tuple[str, str]]:
    """Return the header fields that are compared, in order; of some only the presence counts."""
    compared = [(name, value) for name, value in headers if name in _COMPARED_HEADERS]
    return sorted([*compared, *((name, "") for name, _ in headers if name in _EXPECTED_HEADERS)])

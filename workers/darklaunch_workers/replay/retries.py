"""The tries of one replay: once, nearly always; again only when that is safe, useful, and within every bound.

An HTTP error status is a response, to be compared and never retried away. A request that got no response is not tried
again either: the shadow may have read it, and each failure counts at the rate at which it is seen. Only a read is, that
the shadow answered with 429 or 503 and a Retry-After (RFC 9110 section 10.2.3) that says when to come back.
"""

import time
from email.utils import parsedate_to_datetime
from typing import Final

import anyio
from darklaunch_shared.launch.spec import SAFE_METHODS
from darklaunch_shared.wire.exchange import Headers
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_random_exponential

from darklaunch_workers.admission.orders import ReplayMode
from darklaunch_workers.http import ShadowClient, ShadowFailure, ShadowReply, ShadowRequest
from darklaunch_workers.protection.limits import CONGESTED_STATUS, ShadowProtection
from darklaunch_workers.protection.slots import ReplaySlot, ReplaySlots

from .launch_context import LaunchContext

MAX_TRIES: Final = 4
_BACKOFF: Final = wait_random_exponential(multiplier=0.05, max=1.0)

ReplyOrFailure = ShadowReply | ShadowFailure


class SingleTry:
    """One try of one request. `attempts` counts what went out."""

    def __init__(
        self,
        client: ShadowClient,
        request: ShadowRequest,
        endpoint: str,
        *,
        protection: ShadowProtection,
        slots: ReplaySlots,
        deadline_s: float,
    ) -> None:
        self.attempts = 0
        self._client = client
        self._request = request
        self._endpoint = endpoint
        self._protection = protection
        self._slots = slots
        self._deadline_s = deadline_s

    async def run(self) -> ReplyOrFailure:
        """Send the request. Raises UnsendableRequest."""
        self.attempts = 1
        return await send_once(
            self._client,
            self._request,
            self._endpoint,
            protection=self._protection,
            deadline_s=self._deadline_s,
            under_way=self._slots.busy,
        )


class RetryingSender:
    """Sends one request until there is a result to report. `attempts` counts what went out."""

    def __init__(
        self,
        context: LaunchContext,
        client: ShadowClient,
        request: ShadowRequest,
        *,
        endpoint: str,
        slot: ReplaySlot,
        probe: bool,
    ) -> None:
        """The launch's deadline covers all tries and the waits between them. A probe is one try.

        `slot` is held by the caller. Others may use it while this request waits to come back.
        """
        self.attempts = 0
        self._context = context
        self._client = client
        self._request = request
        self._endpoint = endpoint
        self._slot = slot
        self._probe = probe
        self._protection = context.protection
        self._ends_at_s = time.monotonic() + context.spec.deadline_s
        self._last: ReplyOrFailure | None = None
        self._last_is_new = False

    async def run(self) -> ReplyOrFailure:
        """Send the request, and again where that is right; the last result counts. Raises UnsendableRequest."""
        self._protection.budget.record_first_try()
        first = self._last = await self._send()
        if self._request.method not in SAFE_METHODS or not is_worth_retrying(first):
            return first  # nearly always; tenacity would cost more here than all the rest of a replay
        self._last_is_new = True
        return await AsyncRetrying(
            sleep=self._come_back_after,
            retry=retry_if_result(is_worth_retrying),
            wait=self._compute_wait_s,
            stop=self._is_exhausted,
            retry_error_callback=_read_result,
        )(self._next_result)

    async def _next_result(self) -> ReplyOrFailure:
        """Return the result that tenacity has not judged yet, or that of another try."""
        if not self._last_is_new:
            await anyio.sleep(self._protection.bucket.take(time.monotonic()))
            if self._may_retry() and time.monotonic() < self._ends_at_s:  # much can happen during a wait
                self._last = await self._send()
        self._last_is_new = False
        if self._last is None:
            raise RuntimeError("a retry without a first try")
        return self._last

    async def _send(self) -> ReplyOrFailure:
        deadline_s = max(0.001, self._ends_at_s - time.monotonic())
        under_way = self._context.slots.busy
        self.attempts += 1
        return await send_once(
            self._client,
            self._request,
            self._endpoint,
            protection=self._protection,
            deadline_s=deadline_s,
            under_way=under_way,
        )

    async def _come_back_after(self, delay_s: float) -> None:
        await self._slot.pause(delay_s, within_s=self._ends_at_s - time.monotonic())

    def _may_retry(self) -> bool:
        closed = not self._probe and self._protection.breaker.closed
        return closed and self._context.orders().mode is ReplayMode.REPLAY

    def _compute_wait_s(self, state: RetryCallState) -> float:
        result = _read_result(state)
        asked_s = parse_retry_after_s(result.response.headers, time.time()) if isinstance(result, ShadowReply) else None
        return max(asked_s or 0.0, float(_BACKOFF(state)))

    def _is_exhausted(self, state: RetryCallState) -> bool:
        """True if there is no further try. Takes from the budget, so tenacity must call it last: it does."""
        return (
            state.attempt_number >= MAX_TRIES
            or time.monotonic() + state.upcoming_sleep >= self._ends_at_s
            or not self._may_retry()
            or not self._protection.budget.take()
        )


async def send_once(
    client: ShadowClient,
    request: ShadowRequest,
    endpoint: str,
    *,
    protection: ShadowProtection,
    deadline_s: float,
    under_way: int,
) -> ReplyOrFailure:
    """Send a request once, and record the result with what protects that server. Raises UnsendableRequest.

    `under_way` is how many requests that server has to answer now, this one included.
    """
    started_s = time.monotonic()
    result: ReplyOrFailure
    try:
        result = await client.send(request, deadline_s=deadline_s)
    except ShadowFailure as failure:
        result = failure
    status_or_error = result.response.status if isinstance(result, ShadowReply) else result.error
    protection.record_try(status_or_error, endpoint, started_s=started_s, now_s=time.monotonic(), under_way=under_way)
    return result


def is_worth_retrying(result: ReplyOrFailure) -> bool:
    """True if the shadow responded that it is busy, and says when to come back."""
    return (
        isinstance(result, ShadowReply)
        and result.response.status in CONGESTED_STATUS
        and parse_retry_after_s(result.response.headers, time.time()) is not None
    )


def parse_retry_after_s(headers: Headers, now_s: float) -> float | None:
    """Return Retry-After in seconds from `now_s` (epoch); None when there is none or it cannot be read."""
    for name, value in headers:
        if name != "retry-after":
            continue
        if value.isascii() and value.isdigit() and len(value) <= 9:
            return float(value)
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - now_s)
        except (TypeError, ValueError, OverflowError):
            return None
    return None


def _read_result(state: RetryCallState) -> ReplyOrFailure:
    if state.outcome is None:
        raise RuntimeError("tenacity asked about a try that has not ended")
    result: ReplyOrFailure = state.outcome.result()
    return result

"""The tries of one replay: once, nearly always; again only when that is safe, useful, and within every bound.

An HTTP error status is an answer, to be compared and never retried away. Tried again are only requests that cannot have
reached the shadow, and 429 and 503 that say by Retry-After (RFC 9110 section 10.2.3) when to come back.
"""

import time
from email.utils import parsedate_to_datetime
from typing import Final

import anyio
from darklaunch_shared.wire.exchange import Headers
from darklaunch_shared.wire.replay import ShadowErrorClass
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_random_exponential

from .http import ShadowClient, ShadowFailure, ShadowReply, ShadowRequest
from .launch_context import LaunchContext
from .launch_mode import ReplayMode
from .limits import ShadowProtection

MAX_TRIES: Final = 4
_BACKOFF: Final = wait_random_exponential(multiplier=0.05, max=1.0)

Outcome = ShadowReply | ShadowFailure


class RetryingSender:
    """Sends one request until there is an outcome to report. `attempts` counts what went out."""

    def __init__(self, desk: LaunchContext, client: ShadowClient, request: ShadowRequest, *, probe: bool) -> None:
        """The launch's deadline covers all tries and the waits between them. A probe is one try."""
        self.attempts = 0
        self._desk, self._client, self._request, self._probe = desk, client, request, probe
        self._protection = desk.protection
        self._ends_at_s = time.monotonic() + desk.spec.deadline_s
        self._last: Outcome | None = None
        self._fresh = False

    async def run(self) -> Outcome:
        """Send, and again where that is right; the last outcome counts. Raises BadRequest."""
        self._protection.budget.first_try()
        first = self._last = await self._send()
        if not worth_retrying(first):
            return first  # nearly always; tenacity would cost more here than all the rest of a replay
        self._fresh = True
        return await AsyncRetrying(
            sleep=anyio.sleep,
            retry=retry_if_result(worth_retrying),
            wait=self._wait_s,
            stop=self._exhausted,
            retry_error_callback=_outcome,
        )(self._next)

    async def _next(self) -> Outcome:
        """Give the outcome that has not been judged yet, or that of another try."""
        if not self._fresh:
            await anyio.sleep(self._protection.bucket.take(time.monotonic()))
            if self._may_retry() and time.monotonic() < self._ends_at_s:  # much can happen during a wait
                self._last = await self._send()
        self._fresh = False
        if self._last is None:
            raise RuntimeError("a retry without a first try")
        return self._last

    async def _send(self) -> Outcome:
        left_s = max(0.001, self._ends_at_s - time.monotonic())
        under_way = self._desk.slots.busy
        outcome = await send_once(self._client, self._request, self._protection, left_s, under_way)
        self.attempts += sends(outcome)
        return outcome

    def _may_retry(self) -> bool:
        closed = not self._probe and self._protection.breaker.closed
        return closed and self._desk.orders().mode is ReplayMode.REPLAY

    def _wait_s(self, state: RetryCallState) -> float:
        outcome = _outcome(state)
        asked_s = retry_after_s(outcome.answer.headers, time.time()) if isinstance(outcome, ShadowReply) else None
        return max(asked_s or 0.0, float(_BACKOFF(state)))

    def _exhausted(self, state: RetryCallState) -> bool:
        """Asked last, when the wait is known: taking from the budget is the very decision to try again."""
        return (
            state.attempt_number >= MAX_TRIES
            or time.monotonic() + state.upcoming_sleep >= self._ends_at_s
            or not self._may_retry()
            or not self._protection.budget.take()
        )


async def send_once(
    client: ShadowClient, request: ShadowRequest, protection: ShadowProtection, deadline_s: float, under_way: int
) -> Outcome:
    """Send a request once, and let what protects that server learn from it. Raises BadRequest."""
    started_s = time.monotonic()
    outcome: Outcome
    try:
        outcome = await client.send(request, deadline_s=deadline_s)
    except ShadowFailure as failure:
        outcome = failure
    learned = outcome.answer.status if isinstance(outcome, ShadowReply) else outcome.error
    protection.learn(learned, started_s=started_s, now_s=time.monotonic(), under_way=under_way)
    return outcome


def sends(outcome: Outcome) -> int:
    """Count what went out for one outcome."""
    return outcome.attempts if isinstance(outcome, ShadowReply) else 1


def worth_retrying(outcome: Outcome) -> bool:
    """Say whether another try could be safe and useful."""
    if isinstance(outcome, ShadowFailure):
        return not outcome.sent and outcome.error not in (ShadowErrorClass.FORBIDDEN, ShadowErrorClass.TLS)
    return outcome.answer.status in (429, 503) and retry_after_s(outcome.answer.headers, time.time()) is not None


def retry_after_s(headers: Headers, now_s: float) -> float | None:
    """Read Retry-After, in seconds from `now_s` (epoch); None when there is none or it cannot be read."""
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


def _outcome(state: RetryCallState) -> Outcome:
    if state.outcome is None:
        raise RuntimeError("tenacity asked about a try that has not ended")
    outcome: Outcome = state.outcome.result()
    return outcome

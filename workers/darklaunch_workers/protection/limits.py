"""What protects a shadow from its replays: an adaptive limit for their slots, a rate, a retry budget, a breaker.

None of them does I/O. Those that depend on time take it as an argument, in seconds on a monotonic clock.
"""

from typing import Final

from darklaunch_shared.wire.replay import ShadowErrorClass

from .endpoint_breakers import EndpointAdmission, EndpointBreakers
from .slots import ReplaySlots

PROBE_EVERY_S: Final = 1.0
OUTAGE_FAILURES: Final = 5
RETRY_EVERY: Final = 10
RETRY_RESERVE: Final = 10
LEAST_LIMIT: Final = 2
"""The lowest limit on replays under way: beside one that gets no response there is always another."""
SLOW_FLOOR_S: Final = 0.5
SLOW_FACTOR: Final = 4.0
"""A replay is slow when it takes longer than SLOW_FLOOR_S and than SLOW_FACTOR times the usual."""
_SMOOTHING: Final = 0.05

CONGESTED_STATUS: Final = frozenset({429, 503})
_CONGESTED: Final = frozenset({ShadowErrorClass.TIMEOUT, ShadowErrorClass.REFUSED, ShadowErrorClass.RESET})
_UNREACHED: Final = frozenset({ShadowErrorClass.REFUSED, ShadowErrorClass.DNS, ShadowErrorClass.TLS})
_BROKEN_OFF: Final = frozenset({ShadowErrorClass.TIMEOUT, ShadowErrorClass.RESET})
"""Failures that may be the endpoint's alone; before those of _UNREACHED no request was sent."""


class AdaptiveLimit:
    """How many replays may be under way: slow start, additive increase, multiplicative decrease (RFC 5681)."""

    def __init__(self, ceiling: int, *, start: int = 8) -> None:
        self._ceiling = ceiling
        self._least = float(min(LEAST_LIMIT, ceiling))
        self._limit = float(min(start, ceiling))
        self._threshold = float(ceiling)
        self._cut_at_s = float("-inf")

    @property
    def limit(self) -> int:
        """The limit now, from LEAST_LIMIT to the ceiling."""
        return int(self._limit)

    def record_success(self, under_way: int) -> None:
        """Raise the limit after a response, unless less than half of it is in use: then nothing was learned."""
        if under_way * 2 >= self.limit:
            step = 1.0 if self._limit < self._threshold else 1.0 / self._limit
            self._limit = min(float(self._ceiling), self._limit + step)

    def record_congestion(self, started_s: float, now_s: float) -> None:
        """Halve the limit, once for all replays that were under way together."""
        if started_s > self._cut_at_s:
            self._cut_at_s = now_s
            self._limit = self._threshold = max(self._least, self._limit / 2)


class TokenBucket:
    """At most `per_s` sends a second, in bursts of at most a tenth of that; 0 sets no bound."""

    def __init__(self, per_s: float, now_s: float) -> None:
        self._per_s = per_s
        self._tokens = self._burst
        self._at_s = now_s

    def set_rate(self, per_s: float, now_s: float) -> None:
        """Change the rate."""
        self._refill(now_s)
        self._per_s = per_s

    def take(self, now_s: float) -> float:
        """Take a token, and return the seconds to wait until it is there."""
        if self._per_s <= 0:
            return 0.0
        self._refill(now_s)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._per_s)

    def room(self, now_s: float) -> float:
        """Return how many tokens can be taken now with a wait of about a second at most."""
        if self._per_s <= 0:
            return float("inf")
        self._refill(now_s)
        return max(1.0, self._per_s) + min(0.0, self._tokens)

    @property
    def _burst(self) -> float:
        return max(1.0, self._per_s / 10)

    def _refill(self, now_s: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now_s - self._at_s) * self._per_s)
        self._at_s = now_s


class RetryBudget:
    """One retry for every ten first tries; at most ten are saved up."""

    def __init__(self) -> None:
        self._saved = 0  # in tenths of a retry, so that they add up exactly

    def record_first_try(self) -> None:
        """Save a tenth of a retry."""
        self._saved = min(self._saved + 1, RETRY_EVERY * RETRY_RESERVE)

    def take(self) -> bool:
        """Take one retry; False when less than one is saved."""
        if self._saved < RETRY_EVERY:
            return False
        self._saved -= RETRY_EVERY
        return True


class CircuitBreaker:
    """Opens after failures in a row; while open, one probe at a time, `probe_every_s` after the last failure."""

    def __init__(self, *, failures: int = OUTAGE_FAILURES, probe_every_s: float = PROBE_EVERY_S) -> None:
        self.probe_every_s = probe_every_s
        self._failures = failures
        self._in_a_row = 0
        self._probing = False
        self._failed_at_s = float("-inf")

    @property
    def closed(self) -> bool:
        """True if replays may go out freely."""
        return self._in_a_row < self._failures

    def record_failure(self, now_s: float) -> None:
        """Count a replay that found no server."""
        self._in_a_row += 1
        self._failed_at_s = now_s

    def record_response(self) -> None:
        """Close: there is a server, whatever it responded."""
        self._in_a_row = 0

    def probe_due(self, now_s: float) -> bool:
        """True if an exchange may be taken as a probe."""
        return not self.closed and not self._probing and now_s - self._failed_at_s >= self.probe_every_s

    def begin_probe(self) -> None:
        """Allow no second probe until this one has ended."""
        self._probing = True

    def end_probe(self) -> None:
        """Allow another probe when it is due, whether or not this one was sent."""
        self._probing = False


class ShadowProtection:
    """Everything that stands between one launch's exchanges and its shadow, in one process."""

    def __init__(self, *, concurrency: int, max_rps: float, now_s: float) -> None:
        self.limit = AdaptiveLimit(concurrency)
        self.bucket = TokenBucket(max_rps, now_s)
        self.budget = RetryBudget()
        self.breaker = CircuitBreaker()
        self.endpoints = EndpointBreakers(slots=concurrency)
        self._responded_at_s = float("-inf")
        self._concurrency = concurrency
        self._max_rps = max_rps
        self._usual_s = 0.0

    @property
    def slow_after_s(self) -> float:
        """How long a replay takes when it takes far longer than usual, in seconds."""
        return max(SLOW_FLOOR_S, SLOW_FACTOR * self._usual_s)

    def make_slots(self) -> ReplaySlots:
        """Return slots that follow the limit and know what is slow."""
        return ReplaySlots(lambda: self.limit.limit, ceiling=self._concurrency, slow_after_s=lambda: self.slow_after_s)

    def share_among(self, workers: int, now_s: float) -> None:
        """Take one share of what the launch allows all its worker processes together."""
        self.bucket.set_rate(self._max_rps / workers, now_s)
        self.breaker.probe_every_s = self.endpoints.probe_every_s = PROBE_EVERY_S * workers

    def refuses(self, endpoint: str, now_s: float) -> bool:
        """True if an exchange of an endpoint would be refused now, because that endpoint fails."""
        return self.breaker.closed and self.endpoints.refuses(endpoint, now_s)

    def admit(self, endpoint: str, now_s: float) -> EndpointAdmission:
        """Return whether an exchange of an endpoint may be sent; see `EndpointBreakers.admit`."""
        return self.endpoints.admit(endpoint, now_s) if self.breaker.closed else EndpointAdmission.FREE

    def record_try(
        self, result: int | ShadowErrorClass, endpoint: str, *, started_s: float, now_s: float, under_way: int
    ) -> None:
        """Learn from one try: `result` is the status of its response, or why there was none."""
        if result is ShadowErrorClass.FORBIDDEN:  # nothing was called, so nothing was learned
            return
        if not isinstance(result, ShadowErrorClass):
            self._usual_s += _SMOOTHING * (now_s - started_s - self._usual_s)
        if result in CONGESTED_STATUS or result in _CONGESTED:
            if not self.endpoints.explains(endpoint):
                self.limit.record_congestion(started_s, now_s)
        elif not isinstance(result, ShadowErrorClass):
            self.limit.record_success(under_way)
        if result in _UNREACHED:
            self.breaker.record_failure(now_s)
        elif result in _BROKEN_OFF:
            self._record_broken_off(endpoint, started_s, now_s)
        else:
            self._record_response(endpoint, now_s, congested=result in CONGESTED_STATUS)

    def _record_broken_off(self, endpoint: str, started_s: float, now_s: float) -> None:
        """Count a failure for its endpoint, and for the whole shadow unless that was responding meanwhile."""
        is_alive = self._responded_at_s > started_s or self.endpoints.explains(endpoint)
        if not (self.breaker.closed and is_alive):
            self.breaker.record_failure(now_s)
        self.endpoints.record_failure(endpoint)

    def _record_response(self, endpoint: str, now_s: float, *, congested: bool) -> None:
        self._responded_at_s = now_s
        if not self.breaker.closed:
            self.endpoints.forget()
        self.breaker.record_response()
        if congested:
            self.endpoints.record_congestion(endpoint)
        else:
            self.endpoints.record_response(endpoint)

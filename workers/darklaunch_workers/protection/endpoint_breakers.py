"""Which endpoints of a shadow fail by themselves, while the shadow responds elsewhere. Sans-I/O.

An endpoint that hangs or breaks connections must not slow the others, and its failures say nothing about the shadow as
a whole. So its exchanges are not sent any more, but for one attempt a second: enough to condemn it, and to notice that
it is well again. They cannot wait on the stream, where others are behind them, and end as `endpoint_failing`.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

ENDPOINT_FAILURES: Final = 5
"""Results of one kind in a row, at one endpoint, that are taken for its own; and responses elsewhere meanwhile."""
PROBE_SHARE: Final = 4
"""One in how many of all slots may be used for attempts at failing endpoints."""
MOST_ENDPOINTS: Final = 2_000
"""Endpoints that are known at once. What is beyond is treated like the shadow as a whole."""


class EndpointAdmission(Enum):
    """What may be done with an exchange, as far as its endpoint goes."""

    FREE = "free"
    PROBE = "probe"
    REFUSED = "refused"


@dataclass(slots=True)
class _FailingEndpoint:
    """An endpoint whose latest results were failures, or all asked for fewer requests (429, 503).

    `elsewhere` is how many responses the shadow had given when the first of these results came.
    """

    elsewhere: int
    failures: int = 0
    congested: int = 0
    probes: int = 0
    probed_at_s: float = float("-inf")


class EndpointBreakers:
    """The circuit breakers of the endpoints of one shadow. Only endpoints in trouble are remembered."""

    def __init__(self, *, slots: int) -> None:
        self.probe_every_s = 1.0
        self._most_probes = max(1, slots // PROBE_SHARE)
        self._probes = 0
        self._responses = 0  # good ones, of the whole shadow
        self._failing: dict[str, _FailingEndpoint] = {}
        self._responded: set[str] = set()  # endpoints that gave a good response

    def list_open(self) -> list[str]:
        """Return the endpoints that are probed only."""
        return [endpoint for endpoint, failing in self._failing.items() if self._is_open(failing)]

    def refuses(self, endpoint: str, now_s: float) -> bool:
        """True if an exchange would be refused now."""
        failing = self._failing.get(endpoint)
        if failing is None or not self._is_open(failing):
            return False
        return self._probes >= self._most_probes or now_s - failing.probed_at_s < self.probe_every_s

    def admit(self, endpoint: str, now_s: float) -> EndpointAdmission:
        """Return whether an exchange may be sent. A probe must be ended with `end_probe`, sent or not."""
        failing = self._failing.get(endpoint)
        if failing is None or not self._is_open(failing):
            return EndpointAdmission.FREE
        if self.refuses(endpoint, now_s):
            return EndpointAdmission.REFUSED
        failing.probed_at_s = now_s
        self._probes += 1
        return EndpointAdmission.PROBE

    def end_probe(self) -> None:
        """Free a probe's place."""
        self._probes -= 1

    def explains(self, endpoint: str) -> bool:
        """True if what is wrong at an endpoint now is its own, and no sign of a shadow that is down or overloaded.

        It is where the shadow responds at others, while this one fails again and again or has never responded.
        """
        if self._responded and endpoint not in self._responded and len(self._responded) < MOST_ENDPOINTS:
            return True
        failing = self._failing.get(endpoint)
        if failing is None or not self._has_responded_elsewhere(failing):
            return False
        return max(failing.failures, failing.congested) >= ENDPOINT_FAILURES

    def record_failure(self, endpoint: str) -> None:
        """Count an attempt that got no response."""
        if failing := self._find_or_add(endpoint):
            failing.failures += 1

    def record_congestion(self, endpoint: str) -> None:
        """Count a response that asked for fewer requests. The endpoint has responded: it is no failure."""
        if failing := self._find_or_add(endpoint):
            failing.failures = 0
            failing.congested += 1

    def record_response(self, endpoint: str) -> None:
        """Count a good response, which ends all trouble of its endpoint."""
        self._responses += 1
        if endpoint not in self._responded and len(self._responded) < MOST_ENDPOINTS:
            self._responded.add(endpoint)
        if self._failing:
            self._failing.pop(endpoint, None)

    def forget(self) -> None:
        """Forget all endpoints: what happened while the whole shadow was down was not theirs."""
        self._failing.clear()

    def _find_or_add(self, endpoint: str) -> _FailingEndpoint | None:
        failing = self._failing.get(endpoint)
        if failing is None and len(self._failing) < MOST_ENDPOINTS:
            failing = self._failing[endpoint] = _FailingEndpoint(self._responses)
        return failing

    def _is_open(self, failing: _FailingEndpoint) -> bool:
        return failing.failures >= ENDPOINT_FAILURES and self._has_responded_elsewhere(failing)

    def _has_responded_elsewhere(self, failing: _FailingEndpoint) -> bool:
        return self._responses - failing.elsewhere >= ENDPOINT_FAILURES

"""A shadow that does not respond: how many attempts in a row failed, and for how long.

It is counted from totals, in the order in which results are recorded, so it waits for no window to close: while a
circuit breaker is open, the requests it holds back keep windows open, and say nothing about the shadow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FIRST_FAILURES: Final = 3
"""Failed attempts in a row that mean an outage if the shadow has never responded."""
FAILURES: Final = 5
"""Failed attempts in a row that mean an outage if it has: as many as open the workers' circuit breaker."""
SHORTEST_MS: Final = 3_000
"""How long there must have been no response for an outage: a short interruption is none."""
ROLLBACK_MS: Final = 30_000
"""How long attempts must go on failing until the launch is rolled back."""
SILENT_CLASSES: Final = ("refused", "dns", "tls", "reset", "timeout", "protocol")
"""Classes of shadow errors that mean there is no server, or one that does not respond."""


@dataclass(frozen=True, slots=True)
class AttemptCounts:
    """What became of all attempts of a launch so far: responses of whatever kind, and failures by class."""

    responses: int = 0
    failures: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def failed(self) -> int:
        """All failures."""
        return sum(self.failures.values())


@dataclass(frozen=True, slots=True)
class ShadowOutage:
    """The failures since the shadow's latest response.

    counts          all attempts so far
    before          those up to the latest response; the rest all failed
    first_ms        when the first of the failures was noticed, epoch ms; 0 while there is none
    last_ms         when the latest of them was noticed
    has_responded   the shadow has responded at least once
    """

    counts: AttemptCounts = field(default_factory=AttemptCounts)
    before: AttemptCounts = field(default_factory=AttemptCounts)
    first_ms: int = 0
    last_ms: int = 0
    has_responded: bool = False

    def with_counts(self, counts: AttemptCounts, now_ms: int) -> "ShadowOutage":
        """Return it brought up to date."""
        if counts.responses != self.counts.responses:
            return ShadowOutage(counts=counts, before=counts, has_responded=True)
        if counts.failed == self.counts.failed:
            return self
        return ShadowOutage(
            counts=counts,
            before=self.before,
            first_ms=self.first_ms or now_ms,
            last_ms=now_ms,
            has_responded=self.has_responded,
        )

    @property
    def failed(self) -> int:
        """Attempts in a row that failed."""
        return self.counts.failed - self.before.failed

    @property
    def commonest_class(self) -> str:
        """The class of most of these failures, "" if there is none."""
        classes = {
            name: count - self.before.failures.get(name, 0)
            for name, count in sorted(self.counts.failures.items())
            if count > self.before.failures.get(name, 0)
        }
        return max(classes, key=lambda name: classes[name], default="")

    @property
    def is_down(self) -> bool:
        """True if the shadow is down."""
        enough = FAILURES if self.has_responded else FIRST_FAILURES
        return self.failed >= enough and self.last_ms - self.first_ms >= SHORTEST_MS

    @property
    def asks_for_rollback(self) -> bool:
        """True if it has been down for so long that the launch is rolled back."""
        return self.is_down and self.last_ms - self.first_ms >= ROLLBACK_MS

    def pack(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "responses": self.counts.responses,
            "failures": dict(self.counts.failures),
            "before": dict(self.before.failures),
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "has_responded": self.has_responded,
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "ShadowOutage":
        """Read what `pack` returned."""
        return cls(
            counts=AttemptCounts(packed["responses"], packed["failures"]),
            before=AttemptCounts(packed["responses"], packed["before"]),
            first_ms=packed["first_ms"],
            last_ms=packed["last_ms"],
            has_responded=packed["has_responded"],
        )

"""Evidence about one endpoint, or about all of them together: one log E per guard, and the counts behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, below, clean_exchanges_needed, log_e, log_threshold

from .latency_evidence import LatencyEvidence
from .policy import RATE_GUARDS, Guard, JudgePolicy
from .rate_evidence import RateEvidence
from .window import JudgedExchange

ALL_ENDPOINTS: Final = ""
"""The name under which the evidence about all endpoints together is kept."""


@dataclass(frozen=True, slots=True)
class EndpointEvidence:
    """What is known of one endpoint after its last window.

    weight   its share of the endpoints' evidence, fixed when it was first seen
    n        exchanges replayed
    log_e    the evidence for a rollback, by guard
    """

    weight: float
    n: int
    rates: Mapping[Guard, RateEvidence]
    latencies: LatencyEvidence
    log_e: Mapping[Guard, float]

    @classmethod
    def empty(cls, weight: float, policy: JudgePolicy, *, strict: bool = False) -> "EndpointEvidence":
        """Return the evidence before the first exchange. `strict` also bets on low rates block by block."""
        rates = {
            guard: RateEvidence.empty(policy.budgets.of(guard), policy.bounds(guard) if strict else ())
            for guard in RATE_GUARDS
        }
        latencies = LatencyEvidence.empty()
        return cls(weight=weight, n=0, rates=rates, latencies=latencies, log_e=dict.fromkeys(Guard, 0.0))

    def with_window(self, window: Sequence[JudgedExchange], policy: JudgePolicy) -> "EndpointEvidence":
        """Return the evidence with one more window: this endpoint's exchanges in it, in order of time."""
        failures = {
            Guard.MISMATCH: [exchange.mismatched for exchange in window if exchange.compared],
            Guard.ERROR: [exchange.error for exchange in window],
            Guard.SLOW: [exchange.slow for exchange in window],
        }
        rates = {
            guard: rate.with_window(failures[guard], policy.budgets.of(guard), policy.bounds(guard))
            for guard, rate in self.rates.items()
        }
        timed = [exchange for exchange in window if exchange.timed]
        latencies = self.latencies.with_window(timed, policy.latency_tolerance)
        return EndpointEvidence(
            weight=self.weight,
            n=self.n + len(window),
            rates=rates,
            latencies=latencies,
            log_e=_log_e_by_guard(rates, latencies),
        )

    @property
    def mismatches(self) -> OutcomeCounts:
        """Mismatches among the compared exchanges."""
        return self.rates[Guard.MISMATCH].counts

    def is_judged(self, policy: JudgePolicy) -> bool:
        """True if the endpoint's mismatch rate is shown to be below the policy's `endpoint_bound`."""
        return log_e(below(policy.endpoint_bound), self.mismatches) >= log_threshold(policy.beta)

    def exchanges_needed(self, policy: JudgePolicy) -> int:
        """Return how many more exchanges, none of them a mismatch, the endpoint needs to be judged."""
        bet = below(policy.endpoint_bound)
        return clean_exchanges_needed(bet, self.mismatches, log_threshold(policy.beta)) or 0

    def pack(self) -> dict[str, Any]:
        """Return the evidence as JSON values."""
        return {
            "weight": self.weight,
            "n": self.n,
            "rates": {guard.value: rate.pack() for guard, rate in self.rates.items()},
            "latencies": self.latencies.pack(),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "EndpointEvidence":
        """Read what `pack` returned."""
        rates = {Guard(name): RateEvidence.unpack(rate) for name, rate in packed["rates"].items()}
        latencies = LatencyEvidence.unpack(packed["latencies"])
        return cls(
            weight=packed["weight"],
            n=packed["n"],
            rates=rates,
            latencies=latencies,
            log_e=_log_e_by_guard(rates, latencies),
        )


def _log_e_by_guard(rates: Mapping[Guard, RateEvidence], latencies: LatencyEvidence) -> dict[Guard, float]:
    of_rates = {guard: rate.excess.log_e for guard, rate in rates.items()}
    return of_rates | {guard: latencies.log_e(guard) for guard in Guard if guard not in RATE_GUARDS}

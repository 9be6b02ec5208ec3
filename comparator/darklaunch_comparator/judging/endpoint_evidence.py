"""One endpoint, or all of them together: its rates, its latencies, and how strong the evidence of each guard is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, below, clean_needed, log_e, log_threshold

from .latency_evidence import LatencyEvidence
from .policy import RATES, Guard, JudgePolicy
from .rate_evidence import RateEvidence
from .window import JudgedExchange

ALL: Final = ""
"""The scope of all endpoints together."""


@dataclass(frozen=True, slots=True)
class EndpointEvidence:
    """What was seen of one endpoint. `n` exchanges were replayed; `weight` is its share of the endpoints' evidence.

    `log_e` is the evidence of each guard after the last window.
    """

    weight: float
    n: int
    rates: Mapping[Guard, RateEvidence]
    latencies: LatencyEvidence
    log_e: Mapping[Guard, float]

    @classmethod
    def of(cls, weight: float, policy: JudgePolicy, *, strict: bool = False) -> "EndpointEvidence":
        """Start with nothing seen. `strict` keeps evidence for clearing rates block by block."""
        rates = {
            guard: RateEvidence.of(policy.budgets.of(guard), policy.bounds(guard) if strict else ()) for guard in RATES
        }
        return cls(weight, 0, rates, LatencyEvidence.of(), dict.fromkeys(Guard, 0.0))

    def after(self, seen: Sequence[JudgedExchange], policy: JudgePolicy) -> "EndpointEvidence":
        """Take in what was seen of it in one window, in order of time."""
        failed = {
            Guard.MISMATCH: [each.mismatched for each in seen if each.compared],
            Guard.ERROR: [each.error for each in seen],
            Guard.SLOW: [each.slow for each in seen],
        }
        rates = {
            guard: rate.after(failed[guard], policy.budgets.of(guard), policy.bounds(guard))
            for guard, rate in self.rates.items()
        }
        latencies = self.latencies.after([each for each in seen if each.timed], policy.latency_tolerance)
        strengths = {guard: rate.excess.log_e for guard, rate in rates.items()}
        strengths |= {guard: latencies.log_e(guard) for guard in Guard if guard not in RATES}
        return EndpointEvidence(self.weight, self.n + len(seen), rates, latencies, strengths)

    def judged(self, policy: JudgePolicy) -> bool:
        """Say whether an endpoint's mismatches are shown to be below the bound that the policy asks for."""
        return log_e(below(policy.endpoint_bound), self.compared) >= log_threshold(policy.beta)

    def needed(self, policy: JudgePolicy) -> int:
        """Count the exchanges without a mismatch that an endpoint still needs to be judged."""
        return clean_needed(below(policy.endpoint_bound), self.compared, log_threshold(policy.beta)) or 0

    @property
    def compared(self) -> OutcomeCounts:
        """Mismatches among the compared exchanges."""
        return self.rates[Guard.MISMATCH].counts

    def pack(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {
            "weight": self.weight,
            "n": self.n,
            "rates": {guard.value: rate.pack() for guard, rate in self.rates.items()},
            "latencies": self.latencies.pack(),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "EndpointEvidence":
        """Read what `pack` gave."""
        rates = {Guard(name): RateEvidence.unpack(rate) for name, rate in packed["rates"].items()}
        latencies = LatencyEvidence.unpack(packed["latencies"])
        strengths = {guard: rate.excess.log_e for guard, rate in rates.items()}
        strengths |= {guard: latencies.log_e(guard) for guard in Guard if guard not in RATES}
        return cls(packed["weight"], packed["n"], rates, latencies, strengths)

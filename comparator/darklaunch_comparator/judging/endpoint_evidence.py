"""Evidence about one endpoint, or about all of them together: one log E per guard, and the counts behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, below, clean_exchanges_needed, log_e, log_threshold

from .latency_evidence import ClockedLatencies
from .policy import QUANTILES, RATE_GUARDS, Guard, JudgePolicy
from .rate_evidence import RateEvidence
from .window import JudgedExchange

ALL_ENDPOINTS: Final = ""
"""The name under which the evidence about all endpoints together is kept."""


GAP_LEAST: Final = 20
"""Responses from which on an endpoint can be said to be unseen or untimed."""
SEEN_LEAST: Final = 0.5
"""The least part of what responses hold that must be compared by value."""
STALLED_MOST: Final = 0.25
"""The largest share of requests in which the primary itself was slow that is allowed for."""
SLOW_WINDOWS: Final = 3
"""Slow requests and time-outs count against a shadow once they were in so many windows: one stall delays many."""
REFUSED_LEAST: Final = 0.5
"""The part of the exchanges that must be refused for want of credentials for that to be said of an endpoint."""


class JudgingGap(StrEnum):
    """Why an endpoint is not judged."""

    FEW = "few"  # too few exchanges
    REFUSED = "refused"  # most of its requests came without their users' credentials
    UNSEEN = "unseen"  # most of what its responses hold is not compared by value
    UNTIMED = "untimed"  # its latency is known by no clock
    SLOWER = "slower"  # so far it looks slower, and it is not known yet whether it is


@dataclass(frozen=True, slots=True)
class EndpointEvidence:
    """What is known of one endpoint after its last window.

    weight   its share of the endpoints' evidence, fixed when it was first seen
    n        exchanges replayed
    refused  exchanges that show nothing, because the shadow asked who is there
    stalled  exchanges in which the primary was as slow as makes a shadow's request slow
    slow_windows    windows with slow requests or time-outs
    timeouts        time-outs
    seen     of the others with a response, how many were compared by value; one compared in part counts in part
    log_e    the evidence for a rollback, by guard
    """

    weight: float
    n: int
    rates: Mapping[Guard, RateEvidence]
    latencies: ClockedLatencies
    log_e: Mapping[Guard, float]
    seen: float = 0.0
    refused: int = 0
    stalled: int = 0
    slow_windows: int = 0
    timeouts: int = 0

    @classmethod
    def empty(cls, weight: float, policy: JudgePolicy, *, strict: bool = False) -> "EndpointEvidence":
        """Return the evidence before the first exchange. `strict` also bets on low rates block by block."""
        rates = {
            guard: RateEvidence.empty(policy.budgets.of(guard), policy.bounds(guard) if strict else ())
            for guard in RATE_GUARDS
        }
        return cls(weight=weight, n=0, rates=rates, latencies=ClockedLatencies(), log_e=dict.fromkeys(Guard, 0.0))

    def with_window(
        self, window: Sequence[JudgedExchange], policy: JudgePolicy, stalled_share: float = 0.0
    ) -> "EndpointEvidence":
        """Return the evidence with one more window: this endpoint's exchanges in it, in order of time.

        `stalled_share` is the part of all requests in which the primary itself was slow so far. A machine that stalls
        delays both: that share is allowed for beyond the budgets of slow requests and of missing responses.
        """
        allowed = {Guard.SLOW: stalled_share, Guard.ERROR: stalled_share}
        failures = {
            Guard.MISMATCH: [exchange.mismatched for exchange in window if exchange.compared],
            Guard.ERROR: [exchange.error for exchange in window],
            Guard.SLOW: [exchange.slow for exchange in window if exchange.is_timed],
        }
        rates = {
            guard: rate.with_window(
                failures[guard],
                policy.budgets.of(guard) + allowed.get(guard, 0.0),
                policy.bounds(guard),
                start_ms=window[0].at_ms,
            )
            for guard, rate in self.rates.items()
        }
        latencies = self.latencies.with_window(window, policy)
        slow_windows = self.slow_windows + any(exchange.slow for exchange in window)
        timeouts = self.timeouts + sum(exchange.error and exchange.slow for exchange in window)
        return EndpointEvidence(
            weight=self.weight,
            n=self.n + len(window),
            rates=rates,
            latencies=latencies,
            log_e=_log_e_by_guard(rates, latencies, slow_windows=slow_windows, timeouts=timeouts),
            seen=self.seen + sum(exchange.compared_share for exchange in window if exchange.compared),
            refused=self.refused + sum(exchange.refused for exchange in window),
            stalled=self.stalled + sum(exchange.stalled for exchange in window),
            slow_windows=slow_windows,
            timeouts=timeouts,
        )

    @property
    def stalled_share(self) -> float:
        """The part of the requests in which the primary was slow, 0 to 0.25; 0 before the first request."""
        return min(self.stalled / self.n, STALLED_MOST) if self.n else 0.0

    @property
    def mismatches(self) -> OutcomeCounts:
        """Mismatches among the compared exchanges."""
        return self.rates[Guard.MISMATCH].counts

    @property
    def seen_share(self) -> float:
        """The part of what the responses hold that is compared by value, 0 to 1; 1 before the first response."""
        return self.seen / self.latencies.responses if self.latencies.responses else 1.0

    def find_gap(self, policy: JudgePolicy) -> JudgingGap | None:
        """Return why the endpoint is not judged; None if it is."""
        if self.refused >= max(GAP_LEAST, REFUSED_LEAST * self.n):
            return JudgingGap.REFUSED
        enough = self.latencies.responses >= GAP_LEAST
        if enough and self.seen_share < SEEN_LEAST:
            return JudgingGap.UNSEEN
        leading = self.latencies.leading
        if self.latencies.timeable >= GAP_LEAST and leading is None and policy.judges_latency:
            return JudgingGap.UNTIMED
        if log_e(below(policy.endpoint_bound), self.mismatches) < log_threshold(policy.beta):
            return JudgingGap.FEW
        if leading is not None and policy.judges_latency:
            slower = any(leading.looks_slower(guard, policy.margins.of(guard)) for guard in QUANTILES)
            return JudgingGap.SLOWER if slower else None
        return None

    def count_failures(self, guard: Guard) -> int:
        """Return how many exchanges failed a guard; for a latency guard, how many more were slower than were faster."""
        if guard in RATE_GUARDS:
            return self.rates[guard].counts.pos
        leading = self.latencies.leading
        return 0 if leading is None else max(0, leading.over - leading.under)

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
            "seen": self.seen,
            "refused": self.refused,
            "stalled": self.stalled,
            "slow_windows": self.slow_windows,
            "timeouts": self.timeouts,
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "EndpointEvidence":
        """Read what `pack` returned."""
        rates = {Guard(name): RateEvidence.unpack(rate) for name, rate in packed["rates"].items()}
        latencies = ClockedLatencies.unpack(packed["latencies"])
        return cls(
            weight=packed["weight"],
            n=packed["n"],
            rates=rates,
            latencies=latencies,
            log_e=_log_e_by_guard(rates, latencies, slow_windows=packed["slow_windows"], timeouts=packed["timeouts"]),
            seen=packed["seen"],
            refused=packed["refused"],
            stalled=packed["stalled"],
            slow_windows=packed["slow_windows"],
            timeouts=packed["timeouts"],
        )


def _log_e_by_guard(
    rates: Mapping[Guard, RateEvidence], latencies: ClockedLatencies, *, slow_windows: int, timeouts: int
) -> dict[Guard, float]:
    of_rates = {guard: rate.excess.log_e for guard, rate in rates.items()}
    if slow_windows < SLOW_WINDOWS:  # so far it may have been one stall
        delayed = [Guard.SLOW, *([Guard.ERROR] if rates[Guard.ERROR].counts.pos == timeouts else [])]
        of_rates |= {guard: min(0.0, of_rates[guard]) for guard in delayed}
    return of_rates | {guard: latencies.log_e(guard) for guard in Guard if guard not in RATE_GUARDS}

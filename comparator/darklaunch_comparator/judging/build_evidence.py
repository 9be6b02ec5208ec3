"""Evidence about one build of the shadow, and why it is rolled back once the evidence suffices."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from darklaunch_comparator.evidence import (
    confidence_sequence,
    discovery_weight,
    log_threshold,
    reject_by_e_bh,
    weighted_average,
)

from .beyond_noise import PairedPlace
from .endpoint_evidence import ALL_ENDPOINTS, STALLED_MOST, EndpointEvidence
from .policy import RATE_GUARDS, Guard, JudgePolicy
from .window import WINDOW_MS, JudgedExchange, leave_out_stall, window_start_ms

MIN_EXCHANGES: Final = 20
"""Nothing is rolled back before this many exchanges."""
ON_COURSE: Final = 4.0
"""A build is on course for a rollback once the evidence is this many times too small at most."""
ON_COURSE_FAILURES: Final = 3
CULPRIT: Final = 0.8
"""The part of the failures that one endpoint has if it is named alone."""
OVERALL_WEIGHT: Final = 0.5
"""The part of each guard's weight that bets on all endpoints together; the endpoints share the rest."""


@dataclass(frozen=True, slots=True)
class GuardEvidence:
    """One guard's evidence about one endpoint, or about all together (""): `failed` of `n` exchanges.

    For latency guards, `failed` counts the exchanges in which only the shadow exceeded its limit, minus those in which
    only the primary did; `before_ms` and `after_ms` are both sides' quantile, `share` the part of the requests that
    were slower than is tolerated, and `clock` tells by what they were timed.

    since_ms  when the first failure was captured, 0 if unknown
    """

    guard: Guard
    endpoint: str
    log_e: float
    failed: int
    n: int
    since_ms: int = 0
    before_ms: float = 0.0
    after_ms: float = 0.0
    share: float = 0.0
    clock: str = ""

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "GuardEvidence":
        """Read it from JSON values."""
        members: dict[str, Any] = {**packed, "guard": Guard(packed["guard"])}
        return cls(**members)


@dataclass(frozen=True, slots=True)
class RollbackReason:
    """Why a build is rolled back, as known when the evidence sufficed.

    strongest           the guard and endpoint that count most
    blamed_endpoints    endpoints that can be named with at most the share alpha of them wrong, as of the first window
                        in which there were any: evidence that suffices for a rollback may not yet suffice for names
    places              places in responses that differ more than their own noise, named by the same rule
    """

    at_ms: int
    n: int
    log_e: float
    strongest: GuardEvidence
    blamed_endpoints: tuple[GuardEvidence, ...] = ()
    places: tuple[PairedPlace, ...] = ()

    def pack(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "at_ms": self.at_ms,
            "n": self.n,
            "log_e": self.log_e,
            "leading": asdict(self.strongest),
            "guilty": [asdict(evidence) for evidence in self.blamed_endpoints],
            "places": [asdict(place) for place in self.places],
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "RollbackReason":
        """Read what `pack` returned."""
        return cls(
            at_ms=packed["at_ms"],
            n=packed["n"],
            log_e=packed["log_e"],
            strongest=GuardEvidence.unpack(packed["leading"]),
            blamed_endpoints=tuple(GuardEvidence.unpack(evidence) for evidence in packed["guilty"]),
            places=tuple(PairedPlace(**place) for place in packed.get("places", ())),
        )


@dataclass(frozen=True, slots=True)
class BuildEvidence:
    """What is known of one build.

    by_endpoint       endpoints in the order in which they were first seen; all together under ""
    first_ms          start of the first window, 0 before there was one
    until_ms          end of the last window, 0 before there was one
    peak_log_e        the strongest the evidence for a rollback ever was: it never decreases
    rollback_reason   None until the evidence suffices; then it stays
    """

    by_endpoint: Mapping[str, EndpointEvidence]
    first_ms: int = 0
    until_ms: int = 0
    peak_log_e: float = 0.0
    rollback_reason: RollbackReason | None = None

    @classmethod
    def empty(cls, policy: JudgePolicy) -> "BuildEvidence":
        """Return the evidence before the first exchange."""
        return cls({ALL_ENDPOINTS: EndpointEvidence.empty(1.0, policy, strict=policy.strict)})

    @property
    def overall(self) -> EndpointEvidence:
        """All endpoints together."""
        return self.by_endpoint[ALL_ENDPOINTS]

    @property
    def endpoints(self) -> Iterator[tuple[str, EndpointEvidence]]:
        """Each endpoint, in the order in which they were first seen."""
        return ((name, evidence) for name, evidence in self.by_endpoint.items() if name != ALL_ENDPOINTS)

    @property
    def endpoint_count(self) -> int:
        """The number of endpoints seen."""
        return len(self.by_endpoint) - 1

    def with_window(self, window: Sequence[JudgedExchange], policy: JudgePolicy) -> "BuildEvidence":
        """Return the evidence with one more window added.

        Windows must be complete and in order of time; an empty window changes nothing.
        """
        if not window:
            return self
        start_ms = window_start_ms(window[0].at_ms)
        evidence = replace(
            self,
            by_endpoint=self._add_to_endpoints(window, policy),
            first_ms=self.first_ms or start_ms,
            until_ms=start_ms + WINDOW_MS,
        )
        evidence = replace(evidence, peak_log_e=max(self.peak_log_e, evidence.rollback_log_e(policy)))
        return evidence._with_rollback_reason(policy)

    def with_other_reason(self, reason: RollbackReason | None) -> "BuildEvidence":
        """Return the evidence with an earlier reason for a rollback, if that is about no mismatches and it has none."""
        if reason is None or self.rollback_reason is not None or reason.strongest.guard is Guard.MISMATCH:
            return self
        return replace(self, rollback_reason=reason, peak_log_e=max(self.peak_log_e, reason.log_e))

    def rollback_log_e(self, policy: JudgePolicy) -> float:
        """Return log E for a rollback: the weighted average over guards, of all endpoints together and of each."""
        return weighted_average(
            (policy.weights.of(guard) * self._endpoint_weight(name), evidence.log_e[guard])
            for name, evidence in self.by_endpoint.items()
            for guard in policy.judged_guards
        )

    def guard_evidence(self, guard: Guard, endpoint: str) -> GuardEvidence:
        """Return the evidence of one guard about one endpoint, or about all together ("")."""
        evidence = self.by_endpoint[endpoint]
        log_e = evidence.log_e[guard]
        if guard in RATE_GUARDS:
            rate = evidence.rates[guard]
            return GuardEvidence(
                guard, endpoint, log_e=log_e, failed=rate.counts.pos, n=rate.counts.n, since_ms=rate.first_ms
            )
        timed = evidence.latencies.leading
        if timed is None:
            return GuardEvidence(guard, endpoint, log_e=log_e, failed=0, n=0)
        counts = timed.pairs[guard]
        before_ms, after_ms = timed.quantile_ms(guard) or (0.0, 0.0)
        return GuardEvidence(
            guard,
            endpoint,
            log_e=log_e,
            failed=counts.pos - counts.neg,
            n=counts.n,
            since_ms=timed.first_over_ms,
            before_ms=before_ms,
            after_ms=after_ms,
            share=timed.slower_share,
            clock=timed.clock.value,
        )

    def find_strongest(self, policy: JudgePolicy) -> GuardEvidence:
        """Return the evidence that counts most.

        It names an endpoint whose own evidence suffices, unless that is true of all of several endpoints, or the one
        that has nearly all of the failures.
        """
        weighed = [(guard, name) for guard in policy.judged_guards for name in self.by_endpoint]
        guard, _ = max(
            weighed, key=lambda pair: self.by_endpoint[pair[1]].log_e[pair[0]] + math.log(policy.weights.of(pair[0]))
        )
        own = {name: evidence.log_e[guard] for name, evidence in self.endpoints}
        sufficient = [name for name in own if own[name] >= log_threshold(policy.alpha)]
        everywhere = len(sufficient) == len(own) > 1
        if not sufficient and (culprit := self._find_culprit(guard)):
            return self.guard_evidence(guard, culprit)
        if not sufficient or everywhere:
            return self.guard_evidence(guard, ALL_ENDPOINTS)
        return self.guard_evidence(guard, max(sufficient, key=lambda name: own[name]))

    def _find_culprit(self, guard: Guard) -> str | None:
        """Return the endpoint with nearly all of a guard's failures; None if there is no such endpoint."""
        failures = {name: evidence.count_failures(guard) for name, evidence in self.endpoints}
        name = max(failures, key=lambda name: failures[name], default=None)
        is_culprit = name is not None and failures[name] > 0 and failures[name] >= CULPRIT * sum(failures.values())
        return name if is_culprit else None

    def find_on_course(self, policy: JudgePolicy) -> GuardEvidence | None:
        """Return what will roll the build back if it goes on as so far; None if nothing will.

        Either the evidence is there to a quarter, or a rate is above its budget beyond doubt.
        """
        strongest = self.find_strongest(policy)
        if strongest.log_e >= log_threshold(policy.alpha) - math.log(ON_COURSE):
            return strongest
        above_budget = [
            evidence
            for evidence in (self.guard_evidence(guard, name) for guard in RATE_GUARDS for name in self.by_endpoint)
            if evidence.failed >= ON_COURSE_FAILURES
            and evidence.log_e > 0  # one stall counts for nothing yet
            and confidence_sequence(evidence.failed, evidence.n, policy.alpha).low
            > self._allowed(evidence.guard, policy)
        ]
        return max(above_budget, key=lambda each: (bool(each.endpoint), each.failed / each.n), default=None)

    def pack(self) -> dict[str, Any]:
        """Return all but `by_endpoint` as JSON values."""
        return {
            "first_ms": self.first_ms,
            "until_ms": self.until_ms,
            "peak_log_e": self.peak_log_e,
            "condemned": None if self.rollback_reason is None else self.rollback_reason.pack(),
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], by_endpoint: Mapping[str, EndpointEvidence]) -> "BuildEvidence":
        """Read what `pack` returned. `by_endpoint` must be in the order in which endpoints were first seen."""
        reason = packed["condemned"]
        return cls(
            by_endpoint=by_endpoint,
            first_ms=packed["first_ms"],
            until_ms=packed["until_ms"],
            peak_log_e=packed["peak_log_e"],
            rollback_reason=None if reason is None else RollbackReason.unpack(reason),
        )

    def _add_to_endpoints(self, window: Sequence[JudgedExchange], policy: JudgePolicy) -> dict[str, EndpointEvidence]:
        stalled = self.overall.stalled + sum(exchange.stalled for exchange in window)
        stalled_share = min(stalled / (self.overall.n + len(window)), STALLED_MOST)
        window = leave_out_stall(window)
        if not window:
            return dict(self.by_endpoint)
        by_name: defaultdict[str, list[JudgedExchange]] = defaultdict(list)
        for exchange in window:
            by_name[exchange.endpoint].append(exchange)
        by_endpoint = {**self.by_endpoint, ALL_ENDPOINTS: self.overall.with_window(window, policy, stalled_share)}
        new_names = sorted(by_name.keys() - by_endpoint.keys())
        # Weights are fixed before the first bet: equal shares for the first window's endpoints, then 1/(j(j+1)).
        for number, name in enumerate(new_names, len(self.by_endpoint)):
            weight = 1 / (len(new_names) + 1) if len(self.by_endpoint) == 1 else discovery_weight(number)
            by_endpoint[name] = EndpointEvidence.empty(weight, policy)
        for name, exchanges in by_name.items():
            by_endpoint[name] = by_endpoint[name].with_window(exchanges, policy, stalled_share)
        return by_endpoint

    def _with_rollback_reason(self, policy: JudgePolicy) -> "BuildEvidence":
        reason = self.rollback_reason
        if reason is None and self.overall.n >= MIN_EXCHANGES and self.peak_log_e >= log_threshold(policy.alpha):
            reason = RollbackReason(
                at_ms=self.until_ms, n=self.overall.n, log_e=self.peak_log_e, strongest=self.find_strongest(policy)
            )
        if reason is not None and not reason.blamed_endpoints:
            reason = replace(reason, blamed_endpoints=_blame_endpoints(self, policy))
        return replace(self, rollback_reason=reason)

    def _allowed(self, guard: Guard, policy: JudgePolicy) -> float:
        """Return the rate at which a guard may fail: its budget, and how often the primary itself is slow."""
        stalled_share = 0.0 if guard is Guard.MISMATCH else self.overall.stalled_share
        return policy.budgets.of(guard) + stalled_share

    def _endpoint_weight(self, name: str) -> float:
        return OVERALL_WEIGHT if name == ALL_ENDPOINTS else (1 - OVERALL_WEIGHT) * self.by_endpoint[name].weight


def _blame_endpoints(build: BuildEvidence, policy: JudgePolicy) -> tuple[GuardEvidence, ...]:
    """Return the strongest evidence about each endpoint to blame; at most the share alpha of them is wrong (e-BH)."""
    weights = {guard: policy.weights.of(guard) for guard in policy.judged_guards}
    own = {
        name: weighted_average((weight, evidence.log_e[guard]) for guard, weight in weights.items())
        for name, evidence in build.endpoints
    }
    return tuple(
        build.guard_evidence(max(weights, key=lambda guard: build.by_endpoint[name].log_e[guard]), name)
        for name in reject_by_e_bh(own, policy.alpha)
    )

"""Everything a verdict rests on, as JSON values: what events keep, commands show and webhooks send."""

from dataclasses import asdict
from typing import Any, Final

from darklaunch_comparator.evidence import confidence_sequence

from . import explain
from .beyond_noise import PairedPlace
from .build_evidence import BuildEvidence, GuardEvidence
from .decision import JudgeDecision, UncoveredEndpoint
from .launch_evidence import LaunchEvidence
from .policy import RATE_GUARDS, Guard, JudgePolicy
from .policy_file import dump_policy

MAX_ENDPOINTS: Final = 50
MAX_PLACES: Final = 50


def summarize_judgement(evidence: LaunchEvidence, decision: JudgeDecision, policy: JudgePolicy) -> dict[str, Any]:
    """Return the evidence about the current build. Rates are fractions, latencies ms, times epoch ms."""
    build = evidence.current(policy)
    reason = build.rollback_reason
    strongest = reason.strongest if reason else build.find_strongest(policy)
    blamed_endpoints = reason.blamed_endpoints if reason else ()
    places = reason.places if reason else ()
    return {
        "verdict": decision.verdict.value,
        "why": explain.explain_decision(decision, build, policy),
        "build": evidence.current_build,
        "judged": build.overall.n,
        "since_ms": build.first_ms,
        "until_ms": build.until_ms,
        "log_e": reason.log_e if reason else build.peak_log_e,
        "condemned_ms": reason.at_ms if reason else None,
        "condemned_after": reason.n if reason else None,
        "leading": _guard_evidence_values(strongest, policy),
        "guilty": [_guard_evidence_values(each, policy) for each in blamed_endpoints[:MAX_ENDPOINTS]],
        "outage": None if decision.outage is None else decision.outage.pack(),
        "places": [_place_values(place) for place in places[:MAX_PLACES]],
        "move": None if decision.move is None else decision.move.value,
        "by_hand": decision.by_hand,
        "step": evidence.progress.step,
        "needed": decision.needed,
        "soak_ms": decision.soak_ms,
        "open": [guard.value for guard in decision.unproven],
        "endpoints": build.endpoint_count,
        "covered": build.endpoint_count - len(decision.uncovered),
        "uncovered": [_uncovered_values(each, decision) for each in decision.uncovered[:MAX_ENDPOINTS]],
        "guards": [_guard_values(guard, build, policy) for guard in Guard],
        "latency_judged": build.overall.latencies.version > 0,
        "policy": dump_policy(policy),
    }


def _guard_values(guard: Guard, build: BuildEvidence, policy: JudgePolicy) -> dict[str, Any]:
    values = {"guard": guard.value, "weight": policy.weights.of(guard), "log_e": build.overall.log_e[guard]}
    if guard in RATE_GUARDS:
        counts = build.overall.rates[guard].counts
        interval = confidence_sequence(counts.pos, counts.n, policy.alpha)
        return {
            **values,
            "failed": counts.pos,
            "n": counts.n,
            "low": interval.low,
            "high": interval.high,
            "budget": policy.budgets.of(guard),
        }
    latencies = build.overall.latencies
    pairs = latencies.pairs[guard]
    return {
        **values,
        "slower": pairs.pos,
        "faster": pairs.neg,
        "n": pairs.n,
        "threshold_ms": latencies.thresholds.get(guard),
        "threshold_version": latencies.version,
    }


def _guard_evidence_values(evidence: GuardEvidence, policy: JudgePolicy) -> dict[str, Any]:
    return {**asdict(evidence), "guard": evidence.guard.value, "what": explain.describe_evidence(evidence, policy)}


def _place_values(place: PairedPlace) -> dict[str, Any]:
    return {**asdict(place), "log_e": place.log_e, "what": explain.describe_place(place)}


def _uncovered_values(endpoint: UncoveredEndpoint, decision: JudgeDecision) -> dict[str, Any]:
    return {**asdict(endpoint), "blocking": endpoint in decision.blocking}

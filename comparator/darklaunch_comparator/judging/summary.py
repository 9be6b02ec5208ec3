"""Everything a verdict rests on, as JSON values: what events keep, commands show and webhooks send."""

from dataclasses import asdict
from typing import Any, Final

from darklaunch_comparator.evidence import confidence_sequence, log_threshold

from . import explain
from .beyond_noise import PairedPlace
from .build_evidence import BuildEvidence, GuardEvidence
from .decision import JudgeDecision, UncoveredEndpoint
from .launch_evidence import LaunchEvidence
from .policy import QUANTILES, RATE_GUARDS, Guard, JudgePolicy
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
        "leading": _guard_evidence_values(strongest, policy, decision.example),
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
        "on_course": decision.on_course and _guard_evidence_values(decision.on_course, policy, decision.example),
        "left_out": len(evidence.left_out),
        "latency": _latency_values(build, policy),
        "latency_judged": build.overall.latencies.leading is not None,
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
    leading = build.overall.latencies.leading
    if leading is None:
        return {**values, "slower": 0, "faster": 0, "n": 0, "threshold_ms": None, "limit_ms": None, "cleared": False}
    pairs = leading.pairs[guard]
    limits = leading.limits.get(guard)
    margin = policy.margins.of(guard)
    return {
        **values,
        "slower": pairs.pos,
        "faster": pairs.neg,
        "n": pairs.n,
        "threshold_ms": limits and limits.reference_ms,
        "limit_ms": limits and limits.cleared_ms,
        "threshold_version": leading.version,
        "margin": margin,
        "log_e_below": leading.log_e_below(guard, margin),
        "cleared": leading.log_e_below(guard, margin) >= log_threshold(policy.beta),
    }


def _latency_values(build: BuildEvidence, policy: JudgePolicy) -> dict[str, Any]:
    """Return by whose clock latency is compared, over how many exchanges, and both sides' quantiles."""
    leading = build.overall.latencies.leading
    values: dict[str, Any] = {"what": explain.describe_latency(build, policy), "waived": not policy.judges_latency}
    if leading is None:
        return {**values, "clock": None, "n": 0}
    quantiles = {guard.value: leading.quantile_ms(guard) for guard in QUANTILES}
    return {**values, "clock": leading.clock.value, "n": leading.n, "offset_ms": leading.offset_ms, **quantiles}


def _guard_evidence_values(evidence: GuardEvidence, policy: JudgePolicy, example: str = "") -> dict[str, Any]:
    what = explain.describe_evidence(evidence, policy, example)
    return {**asdict(evidence), "guard": evidence.guard.value, "what": what}


def _place_values(place: PairedPlace) -> dict[str, Any]:
    return {**asdict(place), "log_e": place.log_e, "what": explain.describe_place(place)}


def _uncovered_values(endpoint: UncoveredEndpoint, decision: JudgeDecision) -> dict[str, Any]:
    what = explain.describe_gap(endpoint)
    return {**asdict(endpoint), "gap": endpoint.gap.value, "what": what, "blocking": endpoint in decision.blocking}

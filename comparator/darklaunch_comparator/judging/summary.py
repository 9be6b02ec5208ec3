"""Everything a verdict rests on, as JSON values: what events keep, readers show and webhooks send."""

from dataclasses import asdict
from typing import Any, Final

from darklaunch_comparator.evidence import confidence_sequence

from . import explain
from .beyond_noise import PairedPlace
from .build_evidence import BuildTrial, GuardAccusation
from .decision import JudgeDecision, UncoveredEndpoint
from .launch_evidence import LaunchEvidence
from .policy import RATES, Guard, JudgePolicy
from .policy_file import as_document

MOST_ENDPOINTS: Final = 50
MOST_PLACES: Final = 50


def snapshot(case: LaunchEvidence, decision: JudgeDecision, policy: JudgePolicy) -> dict[str, Any]:
    """Describe the evidence about the build that is meant. Rates are fractions, latencies ms, times epoch ms."""
    trial = case.trial(policy)
    leading = trial.condemned.leading if trial.condemned else trial.leading(policy)
    guilty = trial.condemned.guilty if trial.condemned else ()
    places = trial.condemned.places if trial.condemned else ()
    return {
        "verdict": decision.verdict.value,
        "why": explain.why(decision, trial, policy),
        "build": case.build,
        "judged": trial.all.n,
        "since_ms": trial.first_ms,
        "until_ms": trial.until_ms,
        "log_e": trial.condemned.log_e if trial.condemned else trial.peak_log_e,
        "condemned_ms": trial.condemned.at_ms if trial.condemned else None,
        "condemned_after": trial.condemned.n if trial.condemned else None,
        "leading": _guilt(leading, policy),
        "guilty": [_guilt(each, policy) for each in guilty[:MOST_ENDPOINTS]],
        "places": [_place(each) for each in places[:MOST_PLACES]],
        "move": None if decision.move is None else decision.move.value,
        "by_hand": decision.by_hand,
        "step": case.progress.step,
        "needed": decision.needed,
        "soak_ms": decision.soak_ms,
        "open": [guard.value for guard in decision.open],
        "endpoints": len(trial.scopes) - 1,
        "covered": len(trial.scopes) - 1 - len(decision.uncovered),
        "uncovered": [_uncovered(each, decision) for each in decision.uncovered[:MOST_ENDPOINTS]],
        "guards": [_guard(guard, trial, policy) for guard in Guard],
        "latency_judged": trial.all.latencies.version > 0,
        "policy": as_document(policy),
    }


def _guard(guard: Guard, trial: BuildTrial, policy: JudgePolicy) -> dict[str, Any]:
    told: dict[str, Any] = {"guard": guard.value, "weight": policy.weights.of(guard), "log_e": trial.all.log_e[guard]}
    if guard in RATES:
        counts = trial.all.rates[guard].counts
        interval = confidence_sequence(counts.pos, counts.n, policy.alpha)
        told |= {"failed": counts.pos, "n": counts.n, "low": interval.low, "high": interval.high}
        return told | {"budget": policy.budgets.of(guard)}
    latencies = trial.all.latencies
    pairs = latencies.pairs[guard]
    told |= {"slower": pairs.pos, "faster": pairs.neg, "n": pairs.n}
    return told | {"threshold_ms": latencies.thresholds.get(guard), "threshold_version": latencies.version}


def _guilt(guilt: GuardAccusation, policy: JudgePolicy) -> dict[str, Any]:
    return {
        "guard": guilt.guard.value,
        "endpoint": guilt.endpoint,
        "log_e": guilt.log_e,
        "failed": guilt.failed,
        "n": guilt.n,
        "what": explain.accusation(guilt, policy),
    }


def _place(place: PairedPlace) -> dict[str, Any]:
    return {**asdict(place), "log_e": place.log_e, "what": explain.over_noise(place)}


def _uncovered(each: UncoveredEndpoint, decision: JudgeDecision) -> dict[str, Any]:
    told = {"endpoint": each.endpoint, "n": each.n, "share": each.share, "needed": each.needed}
    return told | {"blocking": each in decision.blocking}

"""A report as JSON values. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from . import sentences
from .coverage import coverage_to_json
from .evidence import ReportEvidence
from .latency import latencies_to_json


def report_to_json(evidence: ReportEvidence) -> dict[str, Any]:
    """Return the report as JSON values. Latency in ms, times in ISO 8601, shares as fractions."""
    state = evidence.record.state
    return {
        "launch": state.name,
        "headline": sentences.describe_problems(evidence),
        "verdict": list(evidence.verdict),
        "status": state.status.value,
        "percent": state.percent,
        "hold": state.hold,
        "shadow": state.spec.shadow,
        "max_latency_diff_ms": state.spec.max_latency_diff_ms,
        "since": evidence.since,
        "until": evidence.until,
        "compared": evidence.compared,
        "without_credentials": evidence.without_credentials,
        "not_judged": [asdict(blind) for blind in evidence.blind],
        "ledger": {**asdict(evidence.ledger), "balanced": evidence.ledger.on_its_way >= 0},
        "signatures": [asdict(problem) for problem in evidence.problems],
        "accepted": [asdict(problem) for problem in evidence.accepted],
        "resolved": [asdict(problem) for problem in evidence.resolved],
        "latency": latencies_to_json(evidence.latency),
        "in_doubt": [asdict(problem) for problem in evidence.in_doubt],
        "before_noise": [asdict(problem) for problem in evidence.before_noise],
        "noise": {
            "pairs": evidence.baseline.pairs,
            "unanswered": evidence.baseline.unanswered,
            "places": [asdict(place) for place in (*evidence.baseline.volatile, *evidence.baseline.generated)],
        },
        "excuses": [asdict(excuse) for excuse in evidence.excuses],
        "coverage": None if evidence.coverage is None else coverage_to_json(evidence.coverage),
    }

"""Results of the demo as values, for tests that need no running demo."""

from __future__ import annotations

from datetime import UTC, datetime

from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_console.demo.load import LoadSummary, UserLatencies
from darklaunch_console.demo.second_act import POLICY
from darklaunch_console.reports.evidence import ReportEvidence
from darklaunch_console.reports.noise_baseline import NoiseBaseline
from darklaunch_console.reports.problems import ReportProblem
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)
USERS = LoadSummary(10, 10, 0, {200: 10}, UserLatencies(1, 2, 3, 4), (), 1.0, "")
SHARES = tuple(step.percent for step in POLICY.steps)


def make_evidence(status: LaunchStatus, *problems: ReportProblem, on_its_way: int = 0) -> ReportEvidence:
    """Return the evidence of a launch with ten sampled exchanges that match, except those on their way."""
    state = LaunchState("shop-v3", status, 100.0, False, 1, LaunchSpec("http://a"))
    matched = 10 - on_its_way
    ledger = report_queries.LaunchLedger(10, matched, 0, 0, 0, 0, 0, 0, matched, on_its_way, {}, {})
    return ReportEvidence(
        record=LaunchRecord(state, 0, NOW, NOW),
        ledger=ledger,
        compared=10,
        problems=problems,
        accepted=(),
        resolved=(),
        before_noise=(),
        baseline=NoiseBaseline((), ()),
        latency=(),
        excuses=(),
        coverage=None,
        since=NOW,
        until=NOW,
        verdict=("KEEP WATCHING: 10 exchanges judged.",),
    )


def make_problem(endpoint: str, title: str, outcome: str = "mismatched", sample: str = "p:1") -> ReportProblem:
    """Return a problem of a report."""
    return ReportProblem(
        fingerprint="f" * 16,
        endpoint=endpoint,
        title=title,
        outcome=outcome,
        count=3,
        share=0.1,
        first_seen=NOW,
        last_seen=NOW,
        sample=sample,
        example="",
    )

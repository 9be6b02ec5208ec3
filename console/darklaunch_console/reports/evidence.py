"""What is known of one launch, read from Postgres into one value that every report is written from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from darklaunch_comparator.coverage import RouteCoverage
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.judgements import read_judgement
from darklaunch_comparator.store.launches import LaunchRecord

from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

from .blindness import BlindEndpoint, list_blind_endpoints
from .common_headers import fold_common_headers
from .coverage import read_coverage, read_launch_policy
from .doubts import read_doubted_fingerprints
from .latency import LatencyRow, pair_latencies
from .noise_baseline import NoiseBaseline, read_baseline
from .problems import ReportProblem, build_problem, compute_share, list_latency_problems, select_by_state


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvidence:
    """All that a report is about. Times are UTC.

    problems      open signatures; like `accepted` and `resolved`, the most important first
    before_noise  open signatures of which every place has become known to be noise since
    in_doubt      open signatures that may still turn out to be noise: they are not judged yet
    since, until  when the first and the latest exchange were captured; None before the first
    verdict       the judge's verdict in lines, () while nothing is judged
    without_credentials  replays that show nothing: the shadow refused them, for want of the user's credentials
    blind         endpoints that are not judged, because too little of their responses is compared by value
    """

    record: LaunchRecord
    ledger: report_queries.LaunchLedger
    compared: int
    problems: tuple[ReportProblem, ...]
    accepted: tuple[ReportProblem, ...]
    resolved: tuple[ReportProblem, ...]
    before_noise: tuple[ReportProblem, ...]
    baseline: NoiseBaseline
    latency: tuple[LatencyRow, ...]
    excuses: tuple[report_queries.ExcuseCount, ...]
    coverage: RouteCoverage | None
    since: datetime | None
    until: datetime | None
    verdict: tuple[str, ...] = ()
    without_credentials: int = 0
    blind: tuple[BlindEndpoint, ...] = ()
    in_doubt: tuple[ReportProblem, ...] = ()


def gather_evidence(connection: Connection, name: str) -> ReportEvidence:
    """Read a launch's evidence. Raises NoSuchLaunch."""
    record = read_launch_record(connection, name)
    ledger = report_queries.read_launch_ledger(connection, name)
    endpoints = {counts.endpoint: counts for counts in report_queries.read_endpoint_counts(connection, name)}
    now = datetime.now(UTC)
    until = min(max((counts.until for counts in endpoints.values()), default=now), now)
    baseline = read_baseline(connection, name)
    slow_budget = read_launch_policy(record).budgets.slow
    judgement = read_judgement(connection, name)
    signatures = report_queries.read_signatures(connection, name)
    fingerprints = [signature.fingerprint for signature in signatures]
    doubted = read_doubted_fingerprints(connection, record, judgement, now=now, also=fingerprints)
    problems = [
        build_problem(signature, endpoints.get(signature.endpoint), until=until, baseline=baseline, doubted=doubted)
        for signature in signatures
        if signature.outcome != "slow" or compute_share(signature, endpoints.get(signature.endpoint)) > slow_budget
    ]
    slower = list_latency_problems(judgement.summary, until=until) if judgement else []
    excuses = tuple(report_queries.read_excuses(connection, name))
    return ReportEvidence(
        record=record,
        ledger=ledger,
        compared=ledger.matched + ledger.mismatched + ledger.ignored,
        problems=fold_common_headers(
            select_by_state(
                "open",
                [*slower, *(problem for problem in problems if not (problem.only_noise or problem.in_doubt))],
            )
        ),
        accepted=select_by_state("accepted", problems),
        resolved=select_by_state("resolved", problems),
        before_noise=select_by_state("open", [problem for problem in problems if problem.only_noise]),
        in_doubt=select_by_state(
            "open", [problem for problem in problems if problem.in_doubt and not problem.only_noise]
        ),
        baseline=baseline,
        latency=tuple(pair_latencies(report_queries.read_latency(connection, name))),
        excuses=excuses,
        coverage=read_coverage(connection, record, endpoints),
        since=min((counts.since for counts in endpoints.values()), default=None),
        until=until,
        without_credentials=sum(
            count
            for outcome, reason, count in report_queries.read_outcome_reasons(connection, name)
            if (outcome, reason) == ("unverified", "credentials")
        ),
        blind=list_blind_endpoints(judgement.summary, excuses) if judgement else (),
    )

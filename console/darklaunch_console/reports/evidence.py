"""What is known of one launch, read from Postgres into one value that every report is written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from darklaunch_comparator.coverage import RouteCoverage
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.judgements import read_judgement
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.span_queries import read_signature_counts

from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import Connection

from .blindness import BlindEndpoint, list_blind_endpoints
from .common_headers import fold_common_headers
from .coverage import read_coverage, read_launch_policy
from .doubts import read_doubted_fingerprints
from .latency import LatencyRow, pair_latencies
from .noise_baseline import NoiseBaseline, read_baseline
from .problems import ReportProblem, build_problem, compute_share, list_latency_problems, select_by_state
from .time_range import EVERYTHING, TimeRange


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvidence:
    """All that a report is about. Times are UTC.

    problems      open signatures; like `accepted` and `resolved`, the most important first
    before_noise  open signatures of which every place has become known to be noise since
    in_doubt      open signatures that may still turn out to be noise: they are not judged yet
    span          what of the launch's time it is about
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
    span: TimeRange = EVERYTHING


def gather_evidence(connection: Connection, name: str, span: TimeRange = EVERYTHING) -> ReportEvidence:
    """Read a launch's evidence, of all its time or of a span. Raises NoSuchLaunch.

    Of a span there are counts, latency and problems; noise, coverage and the verdict are those of now.
    """
    record = read_launch_record(connection, name)
    counts_by_endpoint = report_queries.read_endpoint_counts(connection, name, since=span.since, until=span.until)
    endpoints = {counts.endpoint: counts for counts in counts_by_endpoint}
    ledger = (
        report_queries.read_launch_ledger(connection, name) if span.is_everything else sum_recorded(counts_by_endpoint)
    )
    now = datetime.now(UTC)
    until = min(max((counts.until for counts in endpoints.values()), default=now), now)
    baseline = read_baseline(connection, name)
    slow_budget = read_launch_policy(record).budgets.slow
    judgement = read_judgement(connection, name)
    signatures = report_queries.read_signatures(connection, name)
    if not span.is_everything:
        signatures = _select_signatures(connection, name, signatures, span)
    fingerprints = [signature.fingerprint for signature in signatures]
    doubted = read_doubted_fingerprints(connection, record, judgement, now=now, also=fingerprints)
    problems = [
        build_problem(signature, endpoints.get(signature.endpoint), until=until, baseline=baseline, doubted=doubted)
        for signature in signatures
        if signature.outcome != "slow" or compute_share(signature, endpoints.get(signature.endpoint)) > slow_budget
    ]
    slower = list_latency_problems(judgement.summary, until=until) if judgement and span.is_everything else []
    latencies = report_queries.read_latency(connection, name, since=span.since, until=span.until)
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
        latency=tuple(pair_latencies(latencies)),
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
        span=span,
    )


def sum_recorded(counts: Sequence[report_queries.EndpointCounts]) -> report_queries.LaunchLedger:
    """Return the ledger of what was recorded of a span: what is still on its way belongs to no span."""
    names = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dead", "dropped")
    sums = {name: sum(getattr(each, name) for each in counts) for name in names}
    settled = sum(sums.values())
    return report_queries.LaunchLedger(
        sampled=settled, **sums, settled=settled, on_its_way=0, dropped_by_reason={}, skipped={}
    )


def _select_signatures(
    connection: Connection, name: str, signatures: Sequence[report_queries.SignatureRow], span: TimeRange
) -> list[report_queries.SignatureRow]:
    """Return the signatures that were recorded in a span, with their counts and times in it."""
    since, until = span.since or report_queries.EVER[0], span.until or report_queries.EVER[1]
    counts = read_signature_counts(connection, name, since=since, until=until)
    return [
        replace(signature, count=found.count, first_seen=found.first_seen, last_seen=found.last_seen)
        for signature in signatures
        if (found := counts.get(signature.fingerprint))
    ]

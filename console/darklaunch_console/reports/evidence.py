"""What is known of one launch, gathered from Postgres into one value that every report is written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from darklaunch_comparator.compare import render_error_title
from darklaunch_comparator.coverage import RouteCoverage
from darklaunch_comparator.errors import LaunchUnknown
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchRecord, get_launch, list_launches
from darklaunch_shared.wire.replay import ShadowErrorClass

from darklaunch_console.errors import NoSuchLaunch
from darklaunch_console.stores.postgres import Connection

from .coverage import read_coverage, read_launch_policy
from .importance import compute_importance
from .noise_baseline import NoiseBaseline, read_baseline

VALUE_CHARS = 60
"""Longest value in a line of proof; `inspect` shows all of it."""


@dataclass(frozen=True, slots=True)
class ReportProblem:
    """A signature worth a person's time. `share` is its part of the endpoint's replays; `example` one line of proof.

    `joined` are further fingerprints it stands for, `importance` what it is ordered by. `decided` to `decided_at` are
    the last change of its state: `accepted`, `resolved` or `reopened`, by whom, why and when. `noise` are those of its
    places that have become known to be noise, at `noise_since` at the latest; `only_noise` says that it has no other.
    """

    fingerprint: str
    endpoint: str
    title: str
    outcome: str
    count: int
    share: float
    first_seen: datetime
    last_seen: datetime
    sample: str | None
    example: str
    state: str = "open"
    importance: float = 0.0
    joined: tuple[str, ...] = ()
    latest_sample: str | None = None
    rarest_sample: str | None = None
    builds: tuple[str, ...] = ()
    decided: str = ""
    decided_by: str = ""
    decided_why: str = ""
    decided_at: datetime | None = None
    noise: tuple[str, ...] = ()
    noise_since: datetime | None = None
    only_noise: bool = False


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """One endpoint's latency, in ms. `pairs` were answered by both sides; `slow_share` went over the limit."""

    endpoint: str
    pairs: int
    primary: report_queries.EndpointLatency
    shadow: report_queries.EndpointLatency
    difference: report_queries.EndpointLatency
    slow_share: float


@dataclass(frozen=True, slots=True)
class ReportEvidence:
    """Everything a report says. Times are UTC.

    `problems` are open; they, `accepted` and `resolved` each begin with the most important. `before_noise` would be
    open as well, but has only places that have become known to be noise since. `verdict` is the judge's, in lines, ()
    while nothing is judged.
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


def gather_evidence(connection: Connection, name: str) -> ReportEvidence:
    """Read a launch's evidence. Raises NoSuchLaunch."""
    record = read_launch_record(connection, name)
    ledger = report_queries.read_launch_ledger(connection, name)
    endpoints = {counted.endpoint: counted for counted in report_queries.read_endpoint_counts(connection, name)}
    since = min((counted.since for counted in endpoints.values()), default=None)
    until = min(max((counted.until for counted in endpoints.values()), default=None) or _now(), _now())
    baseline = read_baseline(connection, name)
    slow_budget = read_launch_policy(record).budgets.slow
    problems = [
        _problem(signature, endpoints.get(signature.endpoint), until, baseline)
        for signature in report_queries.read_signatures(connection, name)
        if not (signature.outcome == "slow" and _share(signature, endpoints.get(signature.endpoint)) <= slow_budget)
    ]
    return ReportEvidence(
        record=record,
        ledger=ledger,
        compared=ledger.matched + ledger.mismatched + ledger.ignored,
        problems=_in_state("open", [problem for problem in problems if not problem.only_noise]),
        accepted=_in_state("accepted", problems),
        resolved=_in_state("resolved", problems),
        before_noise=_in_state("open", [problem for problem in problems if problem.only_noise]),
        baseline=baseline,
        latency=tuple(pair_latencies(report_queries.read_latency(connection, name))),
        excuses=tuple(report_queries.read_excuses(connection, name)),
        coverage=read_coverage(connection, record, endpoints),
        since=since,
        until=until,
    )


def read_launch_record(connection: Connection, name: str) -> LaunchRecord:
    """Read a launch's record. Raises NoSuchLaunch, which names the one that was probably meant."""
    try:
        return get_launch(connection, name)
    except LaunchUnknown:
        raise NoSuchLaunch(name, [record.state.name for record in list_launches(connection)]) from None


def join_timeouts(problems: list[ReportProblem]) -> list[ReportProblem]:
    """Make one problem of an endpoint's slow answers and of those that did not come in time: it is one cause."""
    late = {
        problem.endpoint: problem
        for problem in problems
        if problem.title == render_error_title(ShadowErrorClass.TIMEOUT)
    }
    slow = {problem.endpoint for problem in problems if problem.outcome == "slow"}
    return [
        _joined(problem, late[problem.endpoint]) if problem.outcome == "slow" and problem.endpoint in late else problem
        for problem in problems
        if not (problem is late.get(problem.endpoint) and problem.endpoint in slow)
    ]


def _joined(slow: ReportProblem, late: ReportProblem) -> ReportProblem:
    return replace(
        slow,
        title=f"{slow.title}, or no answer in time ({late.count:,})",
        count=slow.count + late.count,
        share=slow.share + late.share,
        first_seen=min(slow.first_seen, late.first_seen),
        last_seen=max(slow.last_seen, late.last_seen),
        importance=max(slow.importance, late.importance),
        joined=(*slow.joined, late.fingerprint),
    )


def render_example(differences: Sequence[Mapping[str, object]], total: int) -> str:
    """Write the first of `total` differences of one sample on a line: `$.total_cents: 4250 → nothing`."""
    shown = [_difference(one) for one in differences[:3]]
    more = total - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _in_state(state: str, problems: list[ReportProblem]) -> tuple[ReportProblem, ...]:
    joined = join_timeouts([problem for problem in problems if problem.state == state])
    return tuple(sorted(joined, key=lambda problem: (-problem.importance, problem.endpoint, problem.fingerprint)))


def _problem(
    signature: report_queries.SignatureRow,
    counted: report_queries.EndpointCounts | None,
    until: datetime,
    baseline: NoiseBaseline,
) -> ReportProblem:
    share = _share(signature, counted)
    noise = baseline.excused_since(signature.endpoint, signature.parts)
    weight = compute_importance(
        signature.endpoint, signature.parts, share, signature.last_seen, until, baseline.rates()
    )
    return ReportProblem(
        fingerprint=signature.fingerprint,
        endpoint=signature.endpoint,
        title=signature.title,
        outcome=signature.outcome,
        count=signature.count,
        share=share,
        first_seen=signature.first_seen,
        last_seen=signature.last_seen,
        sample=signature.first_sample,
        example=render_example(signature.differences, signature.difference_count),
        state=signature.state,
        importance=weight,
        latest_sample=signature.latest_sample,
        rarest_sample=signature.rarest_sample,
        builds=tuple(signature.builds),
        decided=signature.decided,
        decided_by=signature.decided_by,
        decided_why=signature.decided_why,
        decided_at=signature.decided_at,
        noise=tuple(noise),
        noise_since=max(noise.values(), default=None),
        only_noise=bool(noise) and {str(part.get("path")) for part in signature.parts} <= noise.keys(),
    )


def _share(signature: report_queries.SignatureRow, counted: report_queries.EndpointCounts | None) -> float:
    replays = 0
    if counted:
        replays = counted.matched + counted.mismatched + counted.ignored + counted.unverified + counted.shadow_error
    return signature.count / replays if replays else 0.0


def pair_latencies(rows: list[report_queries.EndpointLatency]) -> list[LatencyRow]:
    """Put the sides of each endpoint beside one another: the slowest first, all endpoints together last."""
    sides: dict[str, dict[str, report_queries.EndpointLatency]] = {}
    for row in rows:
        sides.setdefault(row.endpoint or "all endpoints", {})[row.side] = row
    laid_out = [
        LatencyRow(
            endpoint=endpoint,
            pairs=found["primary"].pairs,
            primary=found["primary"],
            shadow=found["shadow"],
            difference=found["difference"],
            slow_share=found["difference"].slow_share,
        )
        for endpoint, found in sides.items()
        if {"primary", "shadow", "difference"} <= found.keys()
    ]
    return sorted(laid_out, key=lambda row: (row.endpoint == "all endpoints", -row.slow_share, row.endpoint))


def _difference(one: Mapping[str, object]) -> str:
    if one["path"] == "shadow":  # it gave no answer: there is nothing to put the primary's beside
        return f"no answer: {one.get('shadow')}"
    return f"{one['path']}: {_value(one.get('primary'))} → {_value(one.get('shadow'))}"


def _value(rendered: object) -> str:
    shown = "nothing" if rendered is None else str(rendered)
    return shown if len(shown) <= VALUE_CHARS else f"{shown[: VALUE_CHARS - 1]}…"


def _now() -> datetime:
    return datetime.now(UTC)

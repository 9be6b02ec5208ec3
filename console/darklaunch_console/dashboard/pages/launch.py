"""The page of one launch: verdict, evidence, events, ledger, endpoints, mismatches, coverage, noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from darklaunch_comparator.evidence import OutcomeCounts, below, log_e
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchEvent, list_events
from darklaunch_comparator.store.report_queries import EndpointCounts
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.dashboard.drawings.evidence_bar import EvidenceBar, draw_evidence, format_odds
from darklaunch_console.dashboard.drawings.ledger_bar import BarPart, LedgerPart, draw_parts, list_parts
from darklaunch_console.dashboard.queries import Query, read_value
from darklaunch_console.dashboard.verdict_words import VerdictWords, split_verdict
from darklaunch_console.output.numbers import format_decimal, format_percent, format_share, format_signed
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import JudgedLaunch, read_judged_launch
from darklaunch_console.reports.latency import ALL_ENDPOINTS, LatencyRow, format_latency_ms
from darklaunch_console.reports.time_range import choose_time_range
from darklaunch_console.reports.verdict_text import describe_verdict, list_details
from darklaunch_console.stores.postgres import Connection

from .course import LaunchCourse, read_launch_course

EVENTS: Final = 8
ENDPOINTS: Final = 30
MISMATCHES: Final = 50

_CHECKS: Final = {
    "mismatch": ("Mismatch", "responses that differ"),
    "error": ("Shadow error", "no usable response of the shadow"),
    "slow": ("Slow request", "slower than the launch's limit"),
    "p50": ("Latency p50", "half of the requests are faster"),
    "p95": ("Latency p95", "95 % of the requests are faster"),
    "p99": ("Latency p99", "99 % of the requests are faster"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One check of the judge: what was observed, what is allowed, and the odds for within or over it."""

    title: str
    meaning: str
    observed: str
    interval: str
    budget: str
    bar: EvidenceBar
    odds: str
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """One endpoint: its counts, and its latency if both sides responded."""

    counts: EndpointCounts
    latency: LatencyRow | None

    @property
    def replays(self) -> int:
        """Requests that the shadow was asked."""
        counts = self.counts
        return counts.matched + counts.mismatched + counts.ignored + counts.unverified + counts.shadow_error

    @property
    def mismatch_share(self) -> float:
        """The share of the replays that mismatched, 0 to 1."""
        return self.counts.mismatched / self.replays if self.replays else 0.0


@dataclass(frozen=True, slots=True)
class StepMark:
    """One step of the ramp: its share, and `done`, `now` or "" for one to come."""

    percent: float
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchPage:
    """All that the page of a launch shows."""

    judged: JudgedLaunch
    evidence: ReportEvidence
    verdict: VerdictWords
    details: tuple[str, ...]
    checks: tuple[CheckRow, ...]
    steps: tuple[StepMark, ...]
    events: tuple[LaunchEvent, ...]
    parts: tuple[LedgerPart, ...]
    bar: tuple[BarPart, ...]
    endpoints: tuple[EndpointRow, ...]
    more_endpoints: int
    overall: LatencyRow | None
    course: LaunchCourse | None
    query: Query


def read_launch(connection: Connection, name: str, query: Query, now: datetime) -> LaunchPage:
    """Read the page of a launch, its figures of the time that a query names. Raises NoSuchLaunch and BadUsage."""
    judged = read_judged_launch(connection, name)
    since, until, build = (read_value(query, key) for key in ("since", "until", "build"))
    span = choose_time_range(connection, name, since=since, until=until, build=build, now=now)
    evidence = gather_evidence(connection, name, span)
    details = tuple(list_details(judged)) if judged.judgement else ()
    evidence = replace(evidence, verdict=(describe_verdict(judged), *details)) if judged.judgement else evidence
    endpoints = order_endpoints(
        report_queries.read_endpoint_counts(connection, name, since=span.since, until=span.until), evidence.latency
    )
    parts = list_parts(evidence.ledger)
    return LaunchPage(
        judged=judged,
        evidence=evidence,
        verdict=split_verdict(describe_verdict(judged)),
        details=details,
        checks=tuple(_build_check(guard, judged.summary) for guard in judged.summary.get("guards", ())),
        steps=list_steps(judged),
        events=tuple(list_events(connection, name, EVENTS)),
        parts=tuple(parts),
        bar=tuple(draw_parts(parts)),
        endpoints=tuple(endpoints[:ENDPOINTS]),
        more_endpoints=len(endpoints) - len(endpoints[:ENDPOINTS]),
        course=read_launch_course(connection, name, span, first=evidence.since, latest=evidence.until),
        query=query,
        overall=next((row for row in evidence.latency if row.endpoint == ALL_ENDPOINTS), None),
    )


def order_endpoints(counts: list[EndpointCounts], latencies: tuple[LatencyRow, ...]) -> list[EndpointRow]:
    """Return one row an endpoint, those that fail most first, then the busiest."""
    by_endpoint = {row.endpoint: row for row in latencies}
    rows = [EndpointRow(counts=each, latency=by_endpoint.get(each.endpoint)) for each in counts]
    return sorted(rows, key=lambda row: (-_count_failures(row.counts), -row.replays, row.counts.endpoint))


def list_steps(judged: JudgedLaunch) -> tuple[StepMark, ...]:
    """Return the steps of the ramp by the policy of the latest judgement; () before the first."""
    steps = judged.summary.get("policy", {}).get("steps", ())
    reached = judged.summary.get("step", 0)
    ended = judged.state.status is LaunchStatus.PROMOTED
    return tuple(
        StepMark(step["percent"], "done" if number < reached or ended else "now" if number == reached else "")
        for number, step in enumerate(steps)
    )


def _count_failures(counts: EndpointCounts) -> int:
    return counts.mismatched + counts.shadow_error + counts.slow


def _build_check(guard: Mapping[str, Any], summary: Mapping[str, Any]) -> CheckRow:
    title, meaning = _CHECKS[guard["guard"]]
    over = float(guard["log_e"])
    if "budget" in guard:
        within = _measure_within(guard, summary)
        return CheckRow(
            title=title,
            meaning=meaning,
            observed=format_share(guard["failed"] / guard["n"]) if guard["n"] else "–",
            interval=f"{format_decimal(100 * guard['low'])} – {format_percent(100 * guard['high'], 1)}",
            budget=format_share(guard["budget"]),
            bar=draw_evidence(over, within),
            odds=format_odds(max(over, within)),
            standing=_name_standing(over, within, summary, f"below {format_share(_read_bound(summary))}"),
        )
    within = float(guard.get("log_e_below", 0.0))
    quantiles = summary["latency"].get(guard["guard"])
    return CheckRow(
        title=title,
        meaning=meaning,
        observed=f"{format_signed(quantiles[1] - quantiles[0], 1)} ms" if quantiles else "–",
        interval=f"{format_latency_ms(quantiles[0])} → {format_latency_ms(quantiles[1])}" if quantiles else "",
        budget=f"≤ {format_latency_ms(guard['limit_ms'])} ms" if guard.get("limit_ms") else "–",
        bar=draw_evidence(over, within),
        odds=format_odds(max(over, within)),
        standing=_name_standing(over, within, summary, "no slower"),
    )


def _measure_within(guard: Mapping[str, Any], summary: Mapping[str, Any]) -> float:
    """Return the log odds that the rate is below the bound of the present step of the ramp."""
    return log_e(below(_read_bound(summary)), OutcomeCounts(guard["failed"], 0, guard["n"]))


def _read_bound(summary: Mapping[str, Any]) -> float:
    """Return the rate that failures must be shown to stay below for the present step to be passed."""
    steps = summary["policy"]["steps"]
    return float(steps[min(summary["step"], len(steps) - 1)]["bound"])


def _name_standing(over: float, within: float, summary: Mapping[str, Any], cleared: str) -> str:
    if over >= -math.log(summary["policy"]["alpha"]):
        return "over budget"
    return cleared if within >= -math.log(summary["policy"]["beta"]) else "undecided"

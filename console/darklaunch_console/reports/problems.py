"""Signatures as problems: how often each appears, how important it is, and whether it has become known to be noise.

Pure: rows of the record in, problems out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import sqrt
from typing import Any, Final

from darklaunch_comparator.compare import name_noise_key, render_error_title
from darklaunch_comparator.judging.policy import QUANTILES
from darklaunch_comparator.store.report_queries import EndpointCounts, SignatureRow
from darklaunch_shared.wire.replay import ShadowErrorClass

from .importance import SEVERITY, compute_importance
from .noise_baseline import NoiseBaseline

VALUE_CHARS: Final = 60
"""Longest value in an example; `inspect` shows all of it."""
EXAMPLE_DIFFERENCES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportProblem:
    """A signature worth a person's time.

    share        part of the endpoint's replays that it appears in, 0 to 1
    example      the first differences of one sample, on a line
    joined       further fingerprints that it stands for
    parts        its places, each with the kind of difference there
    importance   what problems are ordered by, see `importance`
    decided      the last change of its state, `accepted`, `resolved` or `reopened`; with `decided_by`, `_why`, `_at`
    noise        its places that have become known to be noise, at `noise_since` at the latest
    only_noise   True if it has no other places
    in_doubt     True if it may still turn out to be noise: it is not judged yet
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
    parts: tuple[tuple[str, str], ...] = ()
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
    in_doubt: bool = False


def build_problem(
    signature: SignatureRow,
    counts: EndpointCounts | None,
    *,
    until: datetime,
    baseline: NoiseBaseline,
    doubted: Set[str] = frozenset(),
) -> ReportProblem:
    """Return a signature as a problem; `counts` are its endpoint's, `until` is the launch's latest exchange.

    `doubted` are the fingerprints that may still turn out to be noise.
    """
    share = compute_share(signature, counts)
    noise = baseline.excused_since(signature.endpoint, signature.parts)
    was_noise = signature.noise_until is not None and signature.last_seen < signature.noise_until
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
        importance=compute_importance(
            signature.endpoint, signature.parts, share=share, last_seen=signature.last_seen, until=until,
            noise=baseline.rates(),
        ),
        parts=tuple((str(part.get("path")), str(part.get("kind"))) for part in signature.parts),
        latest_sample=signature.latest_sample,
        rarest_sample=signature.rarest_sample,
        builds=tuple(signature.builds),
        decided=signature.decided,
        decided_by=signature.decided_by,
        decided_why=signature.decided_why,
        decided_at=signature.decided_at,
        noise=tuple(name_noise_key(key) for key in noise),
        noise_since=signature.noise_until if was_noise else max(noise.values(), default=None),
        only_noise=was_noise or (bool(noise) and len(noise) == len(signature.parts)),
        in_doubt=signature.fingerprint in doubted,
    )  # fmt: skip


def list_latency_problems(summary: Mapping[str, Any], *, until: datetime) -> list[ReportProblem]:
    """Return what the judge holds to be slower as problems, endpoint by endpoint; `summary` is the judgement's."""
    accused = [summary.get("leading") if summary.get("condemned_ms") else summary.get("on_course")]
    accused += summary.get("guilty", ())
    problems: dict[str, ReportProblem] = {}
    for evidence in accused:
        if evidence is None or evidence["guard"] not in QUANTILES or evidence["endpoint"] in problems:
            continue
        endpoint = evidence["endpoint"] or "the shadow"
        problems[evidence["endpoint"]] = ReportProblem(
            fingerprint="",
            endpoint=endpoint,
            title=str(evidence["what"]).removeprefix(f"{endpoint} ").partition(", since ")[0],
            outcome="slow",
            count=round(evidence["share"] * evidence["n"]),
            share=evidence["share"],
            first_seen=datetime.fromtimestamp(evidence["since_ms"] / 1000, UTC) if evidence["since_ms"] else until,
            last_seen=until,
            sample=None,
            example="",
            importance=SEVERITY["slow"] * sqrt(evidence["share"]),
        )
    return list(problems.values())


def compute_share(signature: SignatureRow, counts: EndpointCounts | None) -> float:
    """Return the part of the endpoint's replays that a signature appears in, 0 to 1; 0 without replays."""
    if counts is None:
        return 0.0
    replays = counts.matched + counts.mismatched + counts.ignored + counts.unverified + counts.shadow_error
    return signature.count / replays if replays else 0.0


def select_by_state(state: str, problems: Sequence[ReportProblem]) -> tuple[ReportProblem, ...]:
    """Return the problems in a state, the most important first, each endpoint's slow and late responses as one."""
    chosen = join_timeouts([problem for problem in problems if problem.state == state])
    return tuple(sorted(chosen, key=lambda problem: (-problem.importance, problem.endpoint, problem.fingerprint)))


def join_timeouts(problems: Sequence[ReportProblem]) -> list[ReportProblem]:
    """Return the problems with each endpoint's slow responses and its timeouts joined: they have one cause."""
    title = render_error_title(ShadowErrorClass.TIMEOUT)
    timeouts = {problem.endpoint: problem for problem in problems if problem.title == title}
    slow_endpoints = {problem.endpoint for problem in problems if problem.outcome == "slow"}
    joined: list[ReportProblem] = []
    for problem in problems:
        timeout = timeouts.get(problem.endpoint)
        if problem.outcome == "slow" and timeout:
            joined.append(_join(problem, timeout))
        elif problem is not timeout or problem.endpoint not in slow_endpoints:
            joined.append(problem)
    return joined


def render_example(differences: Sequence[Mapping[str, object]], total: int) -> str:
    """Return the first of `total` differences of one sample on a line: `$.total_cents: 4250 → nothing`."""
    shown = [_render_difference(difference) for difference in differences[:EXAMPLE_DIFFERENCES]]
    more = total - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _join(slow: ReportProblem, timeout: ReportProblem) -> ReportProblem:
    return replace(
        slow,
        title=f"{slow.title}, or no response in time ({timeout.count:,})",
        count=slow.count + timeout.count,
        share=slow.share + timeout.share,
        first_seen=min(slow.first_seen, timeout.first_seen),
        last_seen=max(slow.last_seen, timeout.last_seen),
        importance=max(slow.importance, timeout.importance),
        joined=(*slow.joined, timeout.fingerprint),
    )


def _render_difference(difference: Mapping[str, object]) -> str:
    if difference["path"] == "shadow":  # without a response there is nothing to put beside the primary's
        return f"no response: {difference.get('shadow')}"
    primary, shadow = (_render_value(difference.get(side)) for side in ("primary", "shadow"))
    return f"{difference['path']}: {primary} → {shadow}"


def _render_value(rendered: object) -> str:
    text = "nothing" if rendered is None else str(rendered)
    return text if len(text) <= VALUE_CHARS else f"{text[: VALUE_CHARS - 1]}…"

"""A report laid out: as text, as Markdown, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from darklaunch_console.output.numbers import format_count, format_share, format_signed
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.table import render_table

from . import coverage, sentences
from .evidence import LatencyRow, ReportEvidence, ReportProblem


def render_text(evidence: ReportEvidence) -> list[str]:
    """Lay out everything below the headline for a terminal."""
    lines = [
        f"{sentences.describe_standing(evidence)}. Exchanges {sentences.describe_period(evidence)}:",
        f"  {sentences.render_ledger(evidence)}",
    ]
    if reasons := sentences.list_drop_reasons(evidence):
        lines.append(f"  dropped: {reasons}")
    if reasons := sentences.list_skip_reasons(evidence):
        lines.append(f"  not sampled, by design: {reasons}")
    if evidence.problems:
        lines += ["", "Problems"]
        for number, problem in enumerate(evidence.problems, 1):
            lines += _problem(number, problem)
    if evidence.accepted:
        lines += ["", *_accepted(evidence)]
    if evidence.latency:
        lines += ["", *_latency(evidence)]
    if excused := sentences.list_excused(evidence):
        lines += ["", f"Differed and was excused: {', '.join(excused[:6])}{_more(len(excused) - 6)}."]
    if noise := _noise(evidence):
        lines += ["", *noise]
    if evidence.coverage:
        lines += ["", f"{coverage.describe_coverage(evidence.coverage)}."]
    return lines


def render_markdown(evidence: ReportEvidence) -> list[str]:
    """Lay out the whole report as Markdown."""
    verdict = [f"- {_escaped(line.strip())}" for line in evidence.verdict[1:]]
    top = [f"**{_escaped(evidence.verdict[0])}**", "", *verdict, ""] if evidence.verdict else []
    headline = f"## {_escaped(sentences.describe_problems(evidence))}"
    lines = [headline, "", *top, f"{_escaped(sentences.describe_standing(evidence))}.", ""]
    lines += [f"Exchanges {sentences.describe_period(evidence)}: {sentences.render_ledger(evidence)}.", ""]
    if evidence.problems:
        lines += ["| # | endpoint | what differs | how often | example |", "|--:|---|---|---|---|"]
        lines += [
            f"| {number} | {_code(problem.endpoint)} | {_escaped(problem.title)} | "
            f"{sentences.describe_frequency(problem)} "
            f"| {_code(problem.example)} {_code(problem.sample or '')} |"
            for number, problem in enumerate(evidence.problems, 1)
        ]
        lines.append("")
    if evidence.accepted:
        lines += [f"- {_escaped(line.strip())}" for line in _accepted(evidence)] + [""]
    if evidence.latency:
        head = ["latency, ms", *_LATENCY_HEAD, f"over {sentences.format_limit(evidence)[2:]}"]
        lines += [_row(head), _row(["---", *["--:"] * (len(head) - 1)])]
        lines += [_row([_code(row.endpoint), *_latency_cells(row)]) for row in evidence.latency]
        lines.append("")
    if excused := sentences.list_excused(evidence):
        lines += [f"Differed and was excused: {', '.join(_escaped(one) for one in excused)}.", ""]
    if noise := _noise(evidence):
        lines += [f"{_escaped(noise[0])}:", "", *[f"- {_escaped(line.strip())}" for line in noise[1:]], ""]
    if evidence.coverage:
        lines += [f"{_escaped(coverage.describe_coverage(evidence.coverage))}.", ""]
    return lines


def report_to_json(evidence: ReportEvidence) -> dict[str, Any]:
    """Lay out the report for programs. Latency in ms, times in ISO 8601, shares as fractions."""
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
        "ledger": {**asdict(evidence.ledger), "balanced": evidence.ledger.on_its_way >= 0},
        "signatures": [asdict(problem) for problem in evidence.problems],
        "accepted": [asdict(problem) for problem in evidence.accepted],
        "resolved": [asdict(problem) for problem in evidence.resolved],
        "latency": [
            {
                "endpoint": row.endpoint,
                "pairs": row.pairs,
                "slow_share": row.slow_share,
                **{
                    side: {"p50": of.p50, "p95": of.p95, "p99": of.p99}
                    for side, of in (("primary", row.primary), ("shadow", row.shadow), ("difference", row.difference))
                },
            }
            for row in evidence.latency
        ],
        "before_noise": [asdict(problem) for problem in evidence.before_noise],
        "noise": {
            "pairs": evidence.baseline.pairs,
            "unanswered": evidence.baseline.unanswered,
            "places": [asdict(place) for place in (*evidence.baseline.volatile, *evidence.baseline.generated)],
        },
        "excuses": [asdict(excuse) for excuse in evidence.excuses],
        "coverage": None if evidence.coverage is None else coverage.coverage_to_json(evidence.coverage),
    }


_ACCEPTED_SHOWN = 10
_LATENCY_HEAD = (
    "primary p50", "p95", "p99", "shadow p50", "p95", "p99", "paired p50", "p95",
)  # fmt: skip


def _problem(number: int, problem: ReportProblem) -> list[str]:
    lines = [
        f"  {number}. {sentences.name_problem(problem)}",
        f"     {sentences.describe_frequency(problem)}, since {sentences.format_minute(problem.first_seen)}",
    ]
    if problem.decided == "reopened":
        lines.append(f"     {sentences.describe_decision(problem)}")
    if problem.noise:
        lines.append(f"     partly from {sentences.describe_before_noise(problem)}")
    if problem.example:
        lines.append(f"     {make_printable(problem.example, 160)}")
    if problem.sample:
        lines.append(f"     darklaunch inspect {problem.sample}    darklaunch curl {problem.sample}")
    return lines


def _accepted(evidence: ReportEvidence) -> list[str]:
    """Name what was accepted: it counts as no problem, and is not hidden."""
    lines = ["Accepted"]
    for problem in evidence.accepted[:_ACCEPTED_SHOWN]:
        why = f": {make_printable(problem.decided_why, 100)}" if problem.decided_why else ""
        lines.append(f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}{why}")
    if (more := len(evidence.accepted) - _ACCEPTED_SHOWN) > 0:
        lines.append(
            f"  and {format_count(more)} more: darklaunch mismatches {evidence.record.state.name} --state accepted"
        )
    return lines


def _noise(evidence: ReportEvidence) -> list[str]:
    """Say what is known to be noise, where nothing can be seen for it, and what was recorded before that was known."""
    lines = [f"  {line}" for line in sentences.list_noise(evidence)]
    lines += [
        f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}: "
        f"{sentences.describe_before_noise(problem)}"
        for problem in evidence.before_noise[:_ACCEPTED_SHOWN]
    ]
    if (more := len(evidence.before_noise) - _ACCEPTED_SHOWN) > 0:
        lines.append(f"  and {format_count(more)} more kinds from before it was known")
    name = evidence.record.state.name
    return (
        [f"Noise, learned from {sentences.count_second_replays(evidence)} (darklaunch noise {name})", *lines]
        if lines
        else []
    )


def _latency(evidence: ReportEvidence) -> list[str]:
    sides = ["Latency, ms", "primary", "", "", "shadow", "", "", "paired", "", sentences.format_limit(evidence)]
    head = ["", "p50", "p95", "p99", "p50", "p95", "p99", "p50", "p95", ""]
    rows = [[make_printable(row.endpoint, 40), *_latency_cells(row)] for row in evidence.latency]
    return render_table(sides, [head, *rows])


def _latency_cells(row: LatencyRow) -> list[str]:
    figures = [
        sentences.format_latency_ms(value)
        for side in (row.primary, row.shadow)
        for value in (side.p50, side.p95, side.p99)
    ]
    paired = [format_signed(value, 1 if abs(value) < 10 else 0) for value in (row.difference.p50, row.difference.p95)]
    return [*figures, *paired, format_share(row.slow_share) if row.slow_share else "0"]


def _more(number: int) -> str:
    return f" and {format_count(number)} more" if number > 0 else ""


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    shown = make_printable(text, 120).replace("`", "'").replace("|", "\\|")
    return f"`{shown}`" if shown else ""


def _escaped(text: str) -> str:
    shown = make_printable(text, 400)
    for character in "\\|*_<>[]`":
        shown = shown.replace(character, f"\\{character}")
    return shown

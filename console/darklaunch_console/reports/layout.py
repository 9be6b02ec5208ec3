"""A report laid out as text, as Markdown and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import BAD, GOOD, STRONG, StyledLine, make_printable, wrap_text
from darklaunch_console.output.table import render_table

from . import sentences
from .blindness import describe_blind_endpoint
from .coverage import coverage_to_json, describe_coverage
from .evidence import ReportEvidence
from .latency import latencies_to_json, render_latency_cells
from .problems import ReportProblem

TWO_SCREENS: Final = 50
"""Lines of a report at most, unless all of it is asked for."""
_LENGTHS: Final = (10, 6, 4, 3, 2, 1)
"""How much each list of a report names: the first of these with which it fits on two screens."""
LISTED: Final = 10
"""Accepted kinds of mismatch, or those of before their noise was known, that are named."""
EXCUSED: Final = 6
_LATENCY_HEAD: Final = (
    "primary p50", "p95", "p99", "shadow p50", "p95", "p99", "paired p50", "p95",
)  # fmt: skip


def render_report(evidence: ReportEvidence, *, complete: bool = False) -> list[StyledLine]:
    """Return the report for a terminal: the verdict, what differs, then the figures.

    Unless it is asked for `complete`, its lists are cut until it fits on two screens, and each says how much is left.
    """
    lines = _render_lists(evidence, None)
    if complete or len(lines) <= TWO_SCREENS:
        return lines
    for length in _LENGTHS:
        lines = _render_lists(evidence, length)
        if len(lines) < TWO_SCREENS:
            break
    shown = lines[: TWO_SCREENS - 1]  # what is not a list is short, but a name in it may be long
    return [*shown, (f"All of it: darklaunch report {evidence.record.state.name} --all", "")]


def _render_lists(evidence: ReportEvidence, length: int | None) -> list[StyledLine]:
    """Return the report with lists of at most `length` items; None for complete ones."""
    lines: list[StyledLine] = []
    for number, line in enumerate(evidence.verdict):
        parts = _wrap_item(f"  {line}") if number else wrap_text(line)
        lines += [(part, "" if number else STRONG) for part in parts]
    if evidence.verdict:
        lines.append(("", ""))
    style = BAD if evidence.problems else GOOD if evidence.compared else STRONG
    lines += [(line, style) for line in wrap_text(sentences.describe_problems(evidence))]
    if strangers := sentences.describe_strangers(evidence):
        lines += [(line, STRONG) for line in wrap_text(strangers, more="  ")]
    if far := sentences.describe_far_numbers(evidence.baseline.far):
        lines += [(line, "") for line in wrap_text(far, more="  ")]
    return [*lines, *((line, "") for line in _render_figures(evidence, length))]


def render_markdown(evidence: ReportEvidence) -> list[str]:
    """Return the whole report as Markdown."""
    verdict = [f"- {_escape(line.strip())}" for line in evidence.verdict[1:]]
    top = [f"**{_escape(evidence.verdict[0])}**", "", *verdict, ""] if evidence.verdict else []
    headline = f"## {_escape(sentences.describe_problems(evidence))}"
    strangers = sentences.describe_strangers(evidence)
    lines = [
        headline,
        "",
        *([_escape(strangers), ""] if strangers else []),
        *top,
        f"{_escape(sentences.describe_standing(evidence))}.",
        "",
    ]
    lines += [f"Exchanges {sentences.describe_period(evidence)}: {sentences.render_ledger(evidence)}.", ""]
    if evidence.problems:
        lines += ["| # | endpoint | what differs | how often | example |", "|--:|---|---|---|---|"]
        lines += [
            f"| {number} | {_quote_code(problem.endpoint)} | {_escape(problem.title)} "
            f"| {sentences.describe_frequency(problem)} "
            f"| {_quote_code(problem.example)} {_quote_code(problem.sample or '')} |"
            for number, problem in enumerate(evidence.problems, 1)
        ]
        lines.append("")
    if evidence.in_doubt:
        lines += [f"- {_escape(line.strip())}" for line in _render_doubts(evidence)] + [""]
    if evidence.blind:
        lines += ["Not judged:", "", *[f"- {_escape(line.strip())}" for line in _render_blind(evidence)], ""]
    if evidence.accepted:
        lines += [f"- {_escape(line.strip())}" for line in _render_accepted(evidence)] + [""]
    if evidence.latency:
        head = ["latency, ms", *_LATENCY_HEAD, f"over {sentences.format_limit(evidence)[2:]}"]
        lines += [_join_cells(head), _join_cells(["---", *["--:"] * (len(head) - 1)])]
        lines += [_join_cells([_quote_code(row.endpoint), *render_latency_cells(row)]) for row in evidence.latency]
        lines.append("")
    if excused := sentences.list_excused(evidence):
        lines += [f"Differed and was excused: {', '.join(_escape(place) for place in excused)}.", ""]
    if unwitnessed := sentences.describe_unwitnessed(evidence):
        lines += [_escape(unwitnessed), ""]
    if far := sentences.describe_far_numbers(evidence.baseline.far):
        lines += [_escape(far), ""]
    if noise := _render_noise(evidence):
        lines += [f"{_escape(noise[0])}:", "", *[f"- {_escape(line.strip())}" for line in noise[1:]], ""]
    if evidence.coverage:
        lines += [f"{_escape(describe_coverage(evidence.coverage))}.", ""]
    return lines


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
        "without_credentials": evidence.strangers,
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


def _render_figures(evidence: ReportEvidence, length: int | None) -> list[str]:
    period = f"{sentences.describe_standing(evidence)}. Exchanges {sentences.describe_period(evidence)}:"
    lines = [*wrap_text(period), *wrap_text(sentences.render_ledger(evidence), "  ", "  ")]
    lines += [part for meaning in sentences.list_outcome_meanings(evidence) for part in wrap_text(meaning, "    ")]
    if reasons := sentences.list_drop_reasons(evidence):
        lines += wrap_text(f"why dropped: {reasons}", "  ", "  ")
    if reasons := sentences.list_skip_reasons(evidence):
        lines += wrap_text(f"not sampled, by design: {reasons}", "  ", "  ")
    if evidence.problems:
        lines += ["", "Problems"]
        for number, problem in enumerate(evidence.problems[:length], 1):
            lines += _render_problem(number, problem)
        if more := len(evidence.problems) - len(evidence.problems[:length]):
            lines.append(f"  and {format_count(more)} more: darklaunch mismatches {evidence.record.state.name}")
    if evidence.in_doubt:
        lines.append("")
        lines += [part for line in _render_doubts(evidence, length) for part in _wrap_item(line)]
    if evidence.blind:
        lines += ["", "Not judged"]
        lines += [part for line in _render_blind(evidence, length) for part in _wrap_item(line)]
    if evidence.accepted:
        lines.append("")
        lines += [part for line in _render_accepted(evidence, length) for part in _wrap_item(line)]
    if evidence.latency:
        lines += ["", *_render_latency(evidence, length)]
    if excused := sentences.list_excused(evidence):
        listed = ", ".join(excused[:EXCUSED]) + _count_more(len(excused) - EXCUSED)
        lines += ["", *wrap_text(f"Differed and was excused: {listed}.", more="  ")]
    if unwitnessed := sentences.describe_unwitnessed(evidence):
        lines += ["", *wrap_text(unwitnessed, more="  ")]
    if noise := _render_noise(evidence, length):
        lines += ["", *(part for line in noise for part in _wrap_item(line))]
    if evidence.coverage:
        lines += ["", *wrap_text(f"{describe_coverage(evidence.coverage)}.", more="  ")]
    return lines


def _render_problem(number: int, problem: ReportProblem) -> list[str]:
    lines = wrap_text(f"{number}. {sentences.name_problem(problem)}", "  ", "   ")
    facts = [f"{sentences.describe_frequency(problem)}, since {sentences.format_minute(problem.first_seen)}"]
    if problem.decided == "reopened":
        facts.append(sentences.describe_decision(problem))
    if problem.noise:
        facts.append(f"partly from {sentences.describe_before_noise(problem)}")
    if problem.example:
        facts.append(make_printable(problem.example, 160))
    if problem.sample:
        facts.append(f"darklaunch inspect {problem.sample}")
    return [*lines, *(part for fact in facts for part in wrap_text(fact, "     ", "  "))]


def _render_doubts(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return the mismatches that may still turn out to be noise."""
    lines = ["May be noise, not judged yet"]
    for problem in evidence.in_doubt[:length]:
        example = f": {make_printable(problem.example, 120)}" if problem.example else ""
        lines.append(f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}{example}")
    if more := len(evidence.in_doubt) - len(evidence.in_doubt[:length]):
        lines.append(f"  and {format_count(more)} more: darklaunch mismatches {evidence.record.state.name}")
    return lines


def _render_blind(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return the endpoints of which too little is compared by value, and what can be done about it."""
    lines = [f"  {describe_blind_endpoint(blind)}." for blind in evidence.blind[:length]]
    if more := len(evidence.blind) - len(evidence.blind[:length]):
        lines.append(f"  and {format_count(more)} more endpoints")
    name = evidence.record.state.name
    return [
        *lines,
        f"  Take out what may differ, with its reason: darklaunch rules add {name} ignore PATH --reason TEXT",
    ]


def _render_accepted(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return what was accepted: it counts as no problem, and is not hidden."""
    lines = ["Accepted"]
    for problem in evidence.accepted[:length]:
        why = f": {make_printable(problem.decided_why, 100)}" if problem.decided_why else ""
        lines.append(f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}{why}")
    if more := len(evidence.accepted) - len(evidence.accepted[:length]):
        command = f"darklaunch mismatches {evidence.record.state.name} --state accepted"
        lines.append(f"  and {format_count(more)} more: {command}")
    return lines


def _render_noise(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return the places known to be noise, and the mismatches recorded before that was known."""
    lines = [f"  {line}" for line in sentences.list_noise(evidence)]
    lines += [
        f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}: "
        f"{sentences.describe_before_noise(problem)}"
        for problem in evidence.before_noise[:length]
    ]
    if more := len(evidence.before_noise) - len(evidence.before_noise[:length]):
        lines.append(f"  and {format_count(more)} more kinds from before it was known")
    if not lines:
        return []
    learned = f"learned from {sentences.count_second_replays(evidence)}"
    return [f"Noise, {learned} (darklaunch noise {evidence.record.state.name})", *lines]


def _render_latency(evidence: ReportEvidence, length: int | None) -> list[str]:
    sides = ["Latency, ms", "primary", "", "", "shadow", "", "", "paired", "", sentences.format_limit(evidence)]
    head = ["", "p50", "p95", "p99", "p50", "p95", "p99", "p50", "p95", ""]
    rows = [[make_printable(row.endpoint, 22), *render_latency_cells(row)] for row in evidence.latency[:length]]
    more = len(evidence.latency) - len(rows)
    return [
        *render_table(sides, [head, *rows], gap=" "),
        *([f"  and {format_count(more)} more endpoints"] if more else []),
    ]


def _wrap_item(line: str) -> list[str]:
    """Wrap a line of a list two columns in, those that follow it two more."""
    text = line.lstrip(" ")
    indent = " " * (len(line) - len(text))
    return wrap_text(text, indent, "  ")


def _count_more(number: int) -> str:
    return f" and {format_count(number)} more" if number > 0 else ""


def _join_cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _quote_code(text: str) -> str:
    printable = make_printable(text, 120).replace("`", "'").replace("|", "\\|")
    return f"`{printable}`" if printable else ""


def _escape(text: str) -> str:
    escaped = make_printable(text, 400)
    for character in "\\|*_<>[]`":
        escaped = escaped.replace(character, f"\\{character}")
    return escaped

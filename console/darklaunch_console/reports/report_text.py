"""A report laid out as text for a terminal. Pure."""

from __future__ import annotations

from typing import Final

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import BAD, GOOD, STRONG, StyledLine, make_printable, wrap_text
from darklaunch_console.output.table import render_table
from darklaunch_console.output.times import format_minute

from . import noise_sentences, sentences
from .coverage import describe_coverage
from .evidence import ReportEvidence
from .latency import render_latency_cells
from .problems import ReportProblem
from .report_lists import render_accepted, render_blind, render_doubts, render_noise

TWO_SCREENS: Final = 50
"""Lines of a report at most, unless all of it is asked for."""
_LENGTHS: Final = (10, 6, 4, 3, 2, 1)
"""How much each list of a report names: the first of these with which it fits on two screens."""
EXCUSED: Final = 6


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
    if notice := sentences.describe_missing_credentials(evidence):
        lines += [(line, STRONG) for line in wrap_text(notice, more="  ")]
    if far := noise_sentences.describe_far_numbers(evidence.baseline.far):
        lines += [(line, "") for line in wrap_text(far, more="  ")]
    return [*lines, *((line, "") for line in _render_figures(evidence, length))]


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
        lines += [part for line in render_doubts(evidence, length) for part in _wrap_item(line)]
    if evidence.blind:
        lines += ["", "Not judged"]
        lines += [part for line in render_blind(evidence, length) for part in _wrap_item(line)]
    if evidence.accepted:
        lines.append("")
        lines += [part for line in render_accepted(evidence, length) for part in _wrap_item(line)]
    if evidence.latency:
        lines += ["", *_render_latency(evidence, length)]
    if excused := noise_sentences.list_excused(evidence):
        listed = ", ".join(excused[:EXCUSED]) + _count_more(len(excused) - EXCUSED)
        lines += ["", *wrap_text(f"Differed and was excused: {listed}.", more="  ")]
    if unwitnessed := noise_sentences.describe_unwitnessed(evidence):
        lines += ["", *wrap_text(unwitnessed, more="  ")]
    if uncompared := noise_sentences.describe_uncompared(evidence):
        lines += ["", *wrap_text(uncompared, more="  ")]
    if noise := render_noise(evidence, length):
        lines += ["", *(part for line in noise for part in _wrap_item(line))]
    if evidence.coverage:
        lines += ["", *wrap_text(f"{describe_coverage(evidence.coverage)}.", more="  ")]
    return lines


def _render_problem(number: int, problem: ReportProblem) -> list[str]:
    lines = wrap_text(f"{number}. {sentences.name_problem(problem)}", "  ", "   ")
    facts = [f"{sentences.describe_frequency(problem)}, since {format_minute(problem.first_seen)}"]
    if problem.decided == "reopened":
        facts.append(sentences.describe_decision(problem))
    if problem.noise:
        facts.append(f"partly from {noise_sentences.describe_before_noise(problem)}")
    if problem.example:
        facts.append(make_printable(problem.example, 160))
    if problem.sample:
        facts.append(f"darklaunch inspect {problem.sample}")
    return [*lines, *(part for fact in facts for part in wrap_text(fact, "     ", "  "))]


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

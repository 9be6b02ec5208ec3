"""A report as Markdown, for a pull request or a page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from darklaunch_console.output.screen import make_printable

from . import noise_sentences, sentences
from .coverage import describe_coverage
from .evidence import ReportEvidence
from .latency import render_latency_cells
from .report_lists import render_accepted, render_blind, render_doubts, render_noise

_LATENCY_HEAD: Final = (
    "primary p50", "p95", "p99", "shadow p50", "p95", "p99", "paired p50", "p95",
)  # fmt: skip


def render_markdown(evidence: ReportEvidence) -> list[str]:
    """Return the whole report as Markdown."""
    verdict = [f"- {_escape(line.strip())}" for line in evidence.verdict[1:]]
    top = [f"**{_escape(evidence.verdict[0])}**", "", *verdict, ""] if evidence.verdict else []
    headline = f"## {_escape(sentences.describe_problems(evidence))}"
    notice = sentences.describe_missing_credentials(evidence)
    lines = [
        headline,
        "",
        *([_escape(notice), ""] if notice else []),
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
        lines += [f"- {_escape(line.strip())}" for line in render_doubts(evidence)] + [""]
    if evidence.blind:
        lines += ["Not judged:", "", *[f"- {_escape(line.strip())}" for line in render_blind(evidence)], ""]
    if evidence.accepted:
        lines += [f"- {_escape(line.strip())}" for line in render_accepted(evidence)] + [""]
    if evidence.latency:
        head = ["latency, ms", *_LATENCY_HEAD, f"over {sentences.format_limit(evidence)[2:]}"]
        lines += [_join_cells(head), _join_cells(["---", *["--:"] * (len(head) - 1)])]
        lines += [_join_cells([_quote_code(row.endpoint), *render_latency_cells(row)]) for row in evidence.latency]
        lines.append("")
    if excused := noise_sentences.list_excused(evidence):
        lines += [f"Differed and was excused: {', '.join(_escape(place) for place in excused)}.", ""]
    if unwitnessed := noise_sentences.describe_unwitnessed(evidence):
        lines += [_escape(unwitnessed), ""]
    if uncompared := noise_sentences.describe_uncompared(evidence):
        lines += [_escape(uncompared), ""]
    if far := noise_sentences.describe_far_numbers(evidence.baseline.far):
        lines += [_escape(far), ""]
    if noise := render_noise(evidence):
        lines += [f"{_escape(noise[0])}:", "", *[f"- {_escape(line.strip())}" for line in noise[1:]], ""]
    if evidence.coverage:
        lines += [f"{_escape(describe_coverage(evidence.coverage))}.", ""]
    return lines


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

"""The lists that a report's text and its Markdown share: not judged, accepted, noise, possible noise. Pure."""

from __future__ import annotations

from typing import Final

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import make_printable

from . import noise_sentences, sentences
from .blindness import describe_blind_endpoint
from .evidence import ReportEvidence

LISTED: Final = 10
"""Accepted kinds of mismatch, or those of before their noise was known, that are named."""


def render_doubts(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return the mismatches that may still turn out to be noise."""
    lines = ["May be noise, not judged yet"]
    for problem in evidence.in_doubt[:length]:
        example = f": {make_printable(problem.example, 120)}" if problem.example else ""
        lines.append(f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}{example}")
    if more := len(evidence.in_doubt) - len(evidence.in_doubt[:length]):
        lines.append(f"  and {format_count(more)} more: darklaunch mismatches {evidence.record.state.name}")
    return lines


def render_blind(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return the endpoints of which too little is compared by value, and what can be done about it."""
    lines = [f"  {describe_blind_endpoint(blind)}." for blind in evidence.blind[:length]]
    if more := len(evidence.blind) - len(evidence.blind[:length]):
        lines.append(f"  and {format_count(more)} more endpoints")
    name = evidence.record.state.name
    return [
        *lines,
        f"  Take out what may differ, with its reason: darklaunch rules add {name} ignore PATH --reason TEXT",
    ]


def render_accepted(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return what was accepted: it counts as no problem, and is not hidden."""
    lines = ["Accepted"]
    for problem in evidence.accepted[:length]:
        why = f": {make_printable(problem.decided_why, 100)}" if problem.decided_why else ""
        lines.append(f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}{why}")
    if more := len(evidence.accepted) - len(evidence.accepted[:length]):
        command = f"darklaunch mismatches {evidence.record.state.name} --state accepted"
        lines.append(f"  and {format_count(more)} more: {command}")
    return lines


def render_noise(evidence: ReportEvidence, length: int | None = LISTED) -> list[str]:
    """Return the places known to be noise, and the mismatches recorded before that was known."""
    lines = [f"  {line}" for line in noise_sentences.list_noise(evidence)]
    lines += [
        f"  {sentences.name_problem(problem)}, {sentences.describe_frequency(problem)}: "
        f"{noise_sentences.describe_before_noise(problem)}"
        for problem in evidence.before_noise[:length]
    ]
    if more := len(evidence.before_noise) - len(evidence.before_noise[:length]):
        lines.append(f"  and {format_count(more)} more kinds from before it was known")
    if not lines:
        return []
    learned = f"learned from {noise_sentences.count_second_replays(evidence)}"
    return [f"Noise, {learned} (darklaunch noise {evidence.record.state.name})", *lines]

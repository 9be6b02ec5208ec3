"""Mismatches in a list: selected by state and endpoint, each with its frequency, an example and its samples. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import BAD, GOOD, QUIET, STRONG, StyledLine, make_printable, wrap_text
from darklaunch_console.output.text import format_plural
from darklaunch_console.output.times import format_minute

from .evidence import ReportEvidence
from .noise_sentences import describe_before_noise
from .problems import ReportProblem
from .sentences import count_decided, describe_decision, describe_frequency, list_other_samples, name_problem


@dataclass(frozen=True, slots=True)
class MismatchFilter:
    """Which mismatches are listed: those in `states`, of endpoints with `endpoint` in their name.

    `state` is the one that was asked for by name, "" for none.
    """

    states: Sequence[str]
    state: str
    endpoint: str


def select_problems(evidence: ReportEvidence, chosen: MismatchFilter) -> list[ReportProblem]:
    """Return the problems that a filter lets through."""
    by_state = {
        "open": (*evidence.problems, *evidence.in_doubt, *evidence.before_noise),
        "accepted": evidence.accepted,
        "resolved": evidence.resolved,
    }
    text = chosen.endpoint.lower()
    return [problem for state in chosen.states for problem in by_state[state] if text in problem.endpoint.lower()]


def is_open(problem: ReportProblem) -> bool:
    """True if a problem still waits for a decision or a repair."""
    return problem.state == "open" and not problem.only_noise


def render_mismatches(
    evidence: ReportEvidence, problems: Sequence[ReportProblem], listed: Sequence[ReportProblem], chosen: MismatchFilter
) -> list[StyledLine]:
    """Return how many kinds of mismatch there are, the `listed` ones, and what to do about open ones."""
    is_any_open = any(map(is_open, problems))
    headline = wrap_text(_describe_selection(evidence, problems, chosen), more="  ")
    if not problems:
        return [(line, "" if chosen.state or chosen.endpoint else GOOD) for line in headline]
    lines = [(line, BAD if is_any_open else "") for line in headline]
    for problem in listed:
        lines.append(("", ""))
        lines += [(line, STRONG if line[0] != " " else "") for line in _render_problem(problem)]
    lines.append(("", ""))
    if len(problems) > len(listed):
        more = format_plural(len(problems) - len(listed), "more kind")
        lines.append((f"{more}: --limit {len(problems)}", ""))
    if is_any_open:
        name = evidence.record.state.name
        lines.append((f"If one is intended: darklaunch accept {name} FINGERPRINT --reason TEXT", QUIET))
    return lines


def _describe_selection(evidence: ReportEvidence, problems: Sequence[ReportProblem], chosen: MismatchFilter) -> str:
    among = f"in {format_plural(evidence.compared, 'compared exchange')}"
    where = f" of endpoints with {make_printable(chosen.endpoint, 60)!r}" if chosen.endpoint else ""
    also = f"; {decided}" if not chosen.state and (decided := count_decided(evidence)) else ""
    state = f"{chosen.state} " if chosen.state else ""
    if not problems:
        return f"No {state}mismatches{where} {among}{also}."
    noise = sum(problem.only_noise for problem in problems)
    before = f", {format_count(noise)} of them before it was known to be noise" if noise else ""
    return f"{format_plural(len(problems), f'{state}kind')} of mismatch{where} {among}{before}{also}."


def _render_problem(problem: ReportProblem) -> list[str]:
    fingerprints = " ".join((problem.fingerprint, *problem.joined))
    first, last = format_minute(problem.first_seen), format_minute(problem.last_seen)
    span = f"at {first}" if first == last else f"{first} to {last}"
    lines = wrap_text(name_problem(problem), more="    ")
    lines += wrap_text(f"{fingerprints}  {describe_frequency(problem)}, {span}", "  ")
    if problem.noise:
        lines += wrap_text(describe_before_noise(problem), "  ", "  ")
    if problem.in_doubt and not problem.only_noise:
        lines.append("  may be noise: not judged yet")
    if problem.decided:
        lines += wrap_text(describe_decision(problem), "  ", "  ")
    if problem.example:
        lines += wrap_text(make_printable(problem.example, 160), "  ", "  ")
    if problem.sample:
        others = list_other_samples(problem)
        lines += wrap_text(f"darklaunch inspect {problem.sample}{f'   ({others})' if others else ''}", "  ", "  ")
    return lines

"""`mismatches`: what differed, grouped by signature, the most important first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import click
from darklaunch_comparator.store.signatures import STATES

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import (
    BAD,
    GOOD,
    QUIET,
    STRONG,
    json_option,
    make_printable,
    print_json,
    print_line,
    wrap_text,
)
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.evidence import ReportEvidence, ReportProblem, gather_evidence
from darklaunch_console.reports.sentences import (
    count_decided,
    describe_before_noise,
    describe_decision,
    describe_frequency,
    format_minute,
    list_other_samples,
    name_problem,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

SHOWN: Final = 20


@click.command(short_help="List what differed, grouped, most important first.")
@click.argument("name", callback=check_launch_name)
@click.option("--state", type=click.Choice(STATES), help="Those in this state.  [default: open]")
@click.option("--all", "every", is_flag=True, help="Those in any state.")
@click.option("--endpoint", default="", metavar="TEXT", help="Only endpoints whose name has this in it.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help=f"How many at most.  [default: {SHOWN}; JSON: all]")
@json_option
@click.pass_obj
def mismatches(
    settings: ConsoleSettings,
    name: str,
    state: str | None,
    every: bool,
    endpoint: str,
    limit: int | None,
    in_json: bool,
) -> None:
    """List what differed, grouped by endpoint, places and kinds; the most important first.

    Importance is severity × √share of the endpoint's replays × freshness; docs/COMPARING.md says what each is.

    Exit code 1 when a listed one is open, else 0.
    """
    if state and every:
        raise BadUsage("--state and --all contradict each other: choose one")
    with open_postgres(settings) as connection:
        evidence = gather_evidence(connection, name)
    found = _chosen(evidence, STATES if every else (state or "open",), endpoint)
    listed = found[: limit or (None if in_json else SHOWN)]
    if in_json:
        print_json([asdict(problem) for problem in listed])
    else:
        _tell(evidence, found, listed, state or "", endpoint)
    raise click.exceptions.Exit(1 if any(map(_is_open, found)) else 0)


def _chosen(evidence: ReportEvidence, states: Sequence[str], endpoint: str) -> list[ReportProblem]:
    groups = {
        "open": (*evidence.problems, *evidence.before_noise),
        "accepted": evidence.accepted,
        "resolved": evidence.resolved,
    }
    wanted = endpoint.lower()
    return [problem for state in states for problem in groups[state] if wanted in problem.endpoint.lower()]


def _tell(
    evidence: ReportEvidence, found: list[ReportProblem], listed: list[ReportProblem], state: str, endpoint: str
) -> None:
    among = f"in {format_plural(evidence.compared, 'compared exchange')}"
    where = f" of endpoints with {make_printable(endpoint, 60)!r}" if endpoint else ""
    also = f"; {counted}" if not state and (counted := count_decided(evidence)) else ""
    named = f"{state} " if state else ""
    if not found:
        print_line(f"No {named}mismatches{where} {among}{also}.", style="" if state or endpoint else GOOD)
        return
    is_open = any(map(_is_open, found))
    noise = sum(problem.only_noise for problem in found)
    known = f", {format_count(noise)} of them before it was known to be noise" if noise else ""
    said = f"{format_plural(len(found), f'{named}kind')} of mismatch{where} {among}{known}{also}."
    print_line(said, style=BAD if is_open else "")
    for problem in listed:
        print_line()
        for line in _problem(problem):
            print_line(line, style=STRONG if line[0] != " " else "")
    print_line()
    if len(found) > len(listed):
        print_line(f"{format_plural(len(found) - len(listed), 'more kind')}: --limit {len(found)}")
    if is_open:
        print_line(
            f"Meant to be so: darklaunch accept {evidence.record.state.name} FINGERPRINT --reason TEXT", style=QUIET
        )


def _is_open(problem: ReportProblem) -> bool:
    return problem.state == "open" and not problem.only_noise


def _problem(problem: ReportProblem) -> list[str]:
    fingerprints = " ".join((problem.fingerprint, *problem.joined))
    first, last = format_minute(problem.first_seen), format_minute(problem.last_seen)
    span = f"at {first}" if first == last else f"{first} to {last}"
    lines = wrap_text(name_problem(problem), more="    ")
    lines += wrap_text(f"{fingerprints}  {describe_frequency(problem)}, {span}", "  ")
    if problem.noise:
        lines += wrap_text(describe_before_noise(problem), "  ", "  ")
    if problem.decided:
        lines += wrap_text(describe_decision(problem), "  ", "  ")
    if problem.example:
        lines += wrap_text(make_printable(problem.example, 160), "  ", "  ")
    if problem.sample:
        others = list_other_samples(problem)
        lines.append(f"  darklaunch inspect {problem.sample}{f'   ({others})' if others else ''}")
    return lines

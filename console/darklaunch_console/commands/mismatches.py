"""`mismatches`: what differed, grouped by signature, the most important first."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click
from darklaunch_comparator.store.signatures import STATES

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.screen import json_option, print_json, print_styled
from darklaunch_console.reports.evidence import gather_evidence
from darklaunch_console.reports.mismatch_list import MismatchFilter, is_open, render_mismatches, select_problems
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

LISTED: Final = 20


@click.command(short_help="List what differed, grouped, most important first.")
@click.argument("name", callback=check_launch_name)
@click.option("--state", type=click.Choice(STATES), help="Those in this state.  [default: open]")
@click.option("--all", "every", is_flag=True, help="Those in any state.")
@click.option("--endpoint", default="", metavar="TEXT", help="Only endpoints whose name has this in it.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help=f"How many at most.  [default: {LISTED}; JSON: all]")
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
    chosen = MismatchFilter(states=STATES if every else (state or "open",), state=state or "", endpoint=endpoint)
    problems = select_problems(evidence, chosen)
    listed = problems[: limit or (None if in_json else LISTED)]
    if in_json:
        print_json([asdict(problem) for problem in listed])
    else:
        print_styled(render_mismatches(evidence, problems, listed, chosen))
    raise click.exceptions.Exit(1 if any(map(is_open, problems)) else 0)

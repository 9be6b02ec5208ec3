"""`mismatches`: what differed, grouped by signature, with an example of each."""

from __future__ import annotations

from dataclasses import asdict

import click

from darklaunch_console.arguments import launch_name
from darklaunch_console.output.screen import BAD, GOOD, from_outside, json_option, say, say_json
from darklaunch_console.output.text import plural
from darklaunch_console.settings import Settings
from darklaunch_console.stores import open_postgres

from .evidence import gather
from .words import brief, clock, frequency


@click.command(short_help="List what differed, grouped, most frequent first.")
@click.argument("name", callback=launch_name)
@json_option
@click.pass_obj
def mismatches(settings: Settings, name: str, in_json: bool) -> None:
    """List what differed, grouped by endpoint, place and kind; the most frequent first.

    Exit code 1 when there is something to look at, 0 when there is nothing.
    """
    with open_postgres(settings) as connection:
        evidence = gather(connection, name)
    if in_json:
        say_json([asdict(problem) for problem in evidence.problems])
    elif not evidence.problems:
        say(f"No mismatches in {plural(evidence.compared, 'compared exchange')}.", style=GOOD)
    else:
        among = plural(evidence.compared, "compared exchange")
        say(f"{plural(len(evidence.problems), 'kind')} of mismatch in {among}.", style=BAD)
        for problem in evidence.problems:
            say()
            say(brief(problem))
            say(f"  {frequency(problem)}, from {clock(problem.first_seen)} to {clock(problem.last_seen)}")
            if problem.example:
                say(f"  {from_outside(problem.example, 160)}")
            if problem.sample:
                say(f"  darklaunch inspect {problem.sample}")
    raise click.exceptions.Exit(1 if evidence.problems else 0)

"""`show`: a launch's settings and its history."""

from __future__ import annotations

from dataclasses import asdict

import click
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import list_events

from darklaunch_console.cli.arguments import check_launch_name
from darklaunch_console.launches.launch_json import record_to_json
from darklaunch_console.output.screen import QUIET, json_option, print_json, print_line, print_lines, wrap_text
from darklaunch_console.reports.launch_text import describe_launch, list_settings, render_events
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Show a launch's settings and its history.")
@click.argument("name", callback=check_launch_name)
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, in_json: bool) -> None:
    """Show a launch: what it mirrors where, every setting that is not the default, and its latest events."""
    with open_postgres(settings) as connection:
        record = read_launch_record(connection, name)
        events = list_events(connection, name)
        ledger = report_queries.read_launch_ledger(connection, name)
    if in_json:
        history = [asdict(event) for event in events]
        spec = asdict(record.state.spec)
        print_json({**record_to_json(record), "spec": spec, "ledger": asdict(ledger), "events": history})
        return
    print_lines(wrap_text(describe_launch(record.state)))
    for line in list_settings(record.state, ledger):
        print_lines(wrap_text(line, "  ", "  "))
    print_line()
    print_line("History, latest first")
    print_lines(render_events(events))
    print_line(f"Evidence: darklaunch report {name}", style=QUIET)

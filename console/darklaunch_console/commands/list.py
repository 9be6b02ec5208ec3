"""`list`: which launches there are."""

from __future__ import annotations

from dataclasses import asdict

import click
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import list_launches

from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import format_count, format_percent, format_share
from darklaunch_console.output.screen import json_option, print_json, print_line
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.summary import count_compared, summary
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="List the launches.")
@json_option
@click.pass_obj
def list(settings: ConsoleSettings, in_json: bool) -> None:
    """List every launch with its share, what was compared, and what mismatched."""
    with open_postgres(settings) as connection:
        found = [
            (record, report_queries.read_launch_ledger(connection, record.state.name))
            for record in list_launches(connection)
        ]
    if in_json:
        print_json([{**summary(record), "ledger": asdict(ledger)} for record, ledger in found])
        return
    if not found:
        print_line("No launches yet. Start one: darklaunch start NAME --shadow http://HOST:PORT")
        return
    running = sum(record.state.fraction > 0 for record, _ in found)
    print_line(f"{format_plural(len(found), 'launch', 'launches')}, {running} mirroring.")
    rows = [
        [
            record.state.name,
            describe_status(record.state),
            format_percent(record.state.percent),
            format_count(ledger.sampled),
            format_count(count_compared(ledger)),
            format_share(ledger.mismatched / count_compared(ledger)) if count_compared(ledger) else "–",
            format_count(ledger.shadow_error),
            record.state.spec.shadow,
        ]
        for record, ledger in found
    ]
    head = ["launch", "status", "share", "sampled", "compared", "mismatched", "shadow errors", "shadow"]
    for line in render_table(head, rows, left=(0, 1, 7)):
        print_line(line)

"""`list`: which launches there are."""

from __future__ import annotations

from dataclasses import asdict

import click
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import list_launches

from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.numbers import count, percent, share
from darklaunch_console.output.screen import json_option, say, say_json
from darklaunch_console.output.table import table
from darklaunch_console.output.text import plural
from darklaunch_console.reports.summary import compared, summary
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="List the launches.")
@json_option
@click.pass_obj
def list(settings: ConsoleSettings, in_json: bool) -> None:
    """List every launch with its share, what was compared, and what mismatched."""
    with open_postgres(settings) as connection:
        found = [(record, report_queries.ledger(connection, record.state.name)) for record in list_launches(connection)]
    if in_json:
        say_json([{**summary(record), "ledger": asdict(ledger)} for record, ledger in found])
        return
    if not found:
        say("No launches yet. Start one: darklaunch start NAME --shadow http://HOST:PORT")
        return
    running = sum(record.state.fraction > 0 for record, _ in found)
    say(f"{plural(len(found), 'launch', 'launches')}, {running} mirroring.")
    rows = [
        [
            record.state.name,
            describe_status(record.state),
            percent(record.state.percent),
            count(ledger.sampled),
            count(compared(ledger)),
            share(ledger.mismatched / compared(ledger)) if compared(ledger) else "–",
            count(ledger.shadow_error),
            record.state.spec.shadow,
        ]
        for record, ledger in found
    ]
    head = ["launch", "status", "share", "sampled", "compared", "mismatched", "shadow errors", "shadow"]
    for line in table(head, rows, left=(0, 1, 7)):
        say(line)

"""`list`: all launches in a table."""

from __future__ import annotations

from dataclasses import asdict

import click
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.judgements import read_verdicts
from darklaunch_comparator.store.launches import list_launches

from darklaunch_console.launches.description import describe_status
from darklaunch_console.launches.launch_json import record_to_json
from darklaunch_console.output.numbers import format_count, format_percent, format_share
from darklaunch_console.output.screen import json_option, print_json, print_line, print_lines, terminal_width
from darklaunch_console.output.table import render_wide_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

HEAD = ("launch", "status", "verdict", "share", "sampled", "compared", "mismatched", "errors", "shadow")


@click.command(short_help="List the launches.")
@json_option
@click.pass_obj
def list(settings: ConsoleSettings, in_json: bool) -> None:
    """List every launch with its verdict, its share, how much was compared, and how much of that mismatched.

    `errors` counts requests to which the shadow gave no usable response.
    """
    with open_postgres(settings) as connection:
        launches = [
            (record, report_queries.read_launch_ledger(connection, record.state.name))
            for record in list_launches(connection)
        ]
        verdicts = read_verdicts(connection)
    if in_json:
        print_json([
            {
                **record_to_json(record),
                "verdict": verdicts.get(record.state.name),
                "ledger": asdict(ledger),
            }
            for record, ledger in launches
        ])  # fmt: skip
        return
    if not launches:
        print_line("No launches yet. Start one: darklaunch start NAME --shadow http://HOST:PORT")
        return
    mirroring = sum(record.state.fraction > 0 for record, _ in launches)
    states = [record.state for record, _ in launches]
    down = [state.name for state in states if state.fraction > 0 and verdicts.get(state.name) == "shadow_down"]
    notice = f" Shadow down: {', '.join(down)}." if down else ""
    print_line(f"{format_plural(len(launches), 'launch', 'launches')}, {mirroring or 'none'} mirroring.{notice}")
    rows = [
        (
            record.state.name,
            describe_status(record.state),
            verdicts.get(record.state.name, "–").replace("_", " "),
            format_percent(record.state.percent),
            format_count(ledger.sampled),
            format_count(compared := ledger.matched + ledger.mismatched + ledger.ignored),
            format_share(ledger.mismatched / compared) if compared else "–",
            format_count(ledger.shadow_error),
            record.state.spec.shadow,
        )
        for record, ledger in launches
    ]
    print_lines(render_wide_table(HEAD, rows, left=(0, 1, 2, 8), columns=terminal_width()))

"""`inspect`: one exchange with both responses side by side, and where they differ."""

from __future__ import annotations

import click
from darklaunch_comparator.store import signatures
from darklaunch_comparator.store.launches import get_launch

from darklaunch_console.cli.arguments import check_exchange_id
from darklaunch_console.output.screen import (
    json_option,
    print_json,
    print_paged,
    terminal_width,
)
from darklaunch_console.reports.exchange_view import WIDEST, exchange_to_json, render_exchange
from darklaunch_console.reports.request_changes_text import describe_request_changes
from darklaunch_console.reports.sample import find_sample
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Show one exchange: request, both responses, and where they differ.")
@click.argument("exchange", callback=check_exchange_id, metavar="ID")
@click.option("--launch", metavar="NAME", help="Which launch's, when several mirrored the same request.")
@json_option
@click.pass_obj
def inspect(settings: ConsoleSettings, exchange: str, launch: str | None, in_json: bool) -> None:
    """Show one exchange: the request, then both responses side by side, with the places where they differ marked.

    Left is the primary, right the shadow; the mark between them says what differs. What is longer than the terminal is
    shown in your pager.
    """
    with open_postgres(settings) as connection:
        sample = find_sample(connection, exchange, launch)
        changes = describe_request_changes(get_launch(connection, sample.launch).state.spec)
        known = {each.fingerprint: each for each in signatures.read_signature_names(connection, sample.launch)}
    if in_json:
        print_json(exchange_to_json(sample, changes))
        return
    named = known.get(sample.fingerprint)
    state = named.state if named else ""
    print_paged(render_exchange(sample, state, terminal_width(WIDEST), request_changes=changes))

"""`curl`: the commands that reproduce one exchange against either side."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import check_exchange_id
from darklaunch_console.output.screen import json_option, print_json, print_line, print_warning
from darklaunch_console.reports.curl_command import build_curl_command
from darklaunch_console.reports.masked_places import find_masked_places
from darklaunch_console.reports.sample import find_sample
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.launch_record import read_launch_record
from darklaunch_console.stores.postgres import open_postgres


@click.command(short_help="Print the curl commands that reproduce one exchange.")
@click.argument("exchange", callback=check_exchange_id, metavar="ID")
@click.option("--launch", metavar="NAME", help="Which launch's, when several mirrored the same request.")
@json_option
@click.pass_obj
def curl(settings: ConsoleSettings, exchange: str, launch: str | None, in_json: bool) -> None:
    """Print the commands that send one captured request again, to the shadow and to the primary.

    Credentials in header fields were removed before the request left the app: add your own with -H. What was masked
    when the request was stored is named on stderr: put real values in its place.
    """
    with open_postgres(settings) as connection:
        sample = find_sample(connection, exchange, launch)
        shadow = read_launch_record(connection, sample.launch).state.spec.shadow
    request = sample.replay.exchange.request
    commands = {"shadow": build_curl_command(request, shadow), "primary": build_curl_command(request, request.origin)}
    masked = find_masked_places(request)
    if in_json:
        print_json({**commands, "masked": masked})
        return
    if masked:
        print_warning(f"masked when it was stored, put real values there: {', '.join(masked)}.")
    for side, command in commands.items():
        print_line(f"{command}   # {side}")

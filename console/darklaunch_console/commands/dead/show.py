"""`dead show`: one dead letter with its payload."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import launch_argument
from darklaunch_console.launches.dead_letter_text import (
    dead_letter_to_json,
    name_letter,
    payload_to_json,
    render_letter,
)
from darklaunch_console.output.screen import json_option, print_json, print_line, print_styled
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.dead_letters import find_dead_letter
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.streams import read_published_launch


@click.command(short_help="Show one dead letter with its payload.")
@launch_argument
@click.argument("id")
@json_option
@click.pass_obj
def show(settings: ConsoleSettings, name: str, id: str, in_json: bool) -> None:
    """Show one dead letter with its payload. ID is that of its exchange or its entry, as `dead list` shows it."""
    with open_redis(settings) as redis:
        letter = find_dead_letter(redis, read_published_launch(redis, name), id)
    if in_json:
        print_json({**dead_letter_to_json(letter), "fields": payload_to_json(letter)})
        return
    print_styled(render_letter(letter))
    print_line(f"Next: darklaunch dead {'retry' if letter.meta else 'purge'} {name} {name_letter(letter)}")

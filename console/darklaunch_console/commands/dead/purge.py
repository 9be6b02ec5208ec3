"""`dead purge`: delete dead letters."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import launch_argument
from darklaunch_console.launches.dead_letter_text import name_letter
from darklaunch_console.output.screen import json_option, print_json, print_line
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.dead_letters import delete_dead_letter
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.streams import read_published_launch

from .choice import choose_letters, yes_option


@click.command(short_help="Delete dead letters with their payload.")
@launch_argument
@click.argument("id", required=False)
@yes_option
@json_option
@click.pass_obj
def purge(settings: ConsoleSettings, name: str, id: str | None, yes: bool, in_json: bool) -> None:
    """Delete one dead letter, or all, with their payload. The ledger still counts them as `dead`."""
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        letters = choose_letters(redis, state, id, "Delete", yes=yes)
        purged = [name_letter(letter) for letter in letters if delete_dead_letter(redis, state, letter)]
    if in_json:
        print_json({"launch": name, "purged": purged})
    else:
        print_line(f"{format_plural(len(purged), 'dead letter')} of {name} deleted.")

"""`dead list`: a launch's dead letters."""

from __future__ import annotations

import itertools
from typing import Final

import click
from darklaunch_shared import keys

from darklaunch_console.cli.arguments import launch_argument
from darklaunch_console.launches.dead_letter_text import dead_letter_to_json, name_letter, render_letters
from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import json_option, print_json, print_line, print_styled
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.dead_letters import read_dead_letters
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.processes import read_clock_ms
from darklaunch_console.stores.streams import read_published_launch

LIST_LIMIT: Final = 10_000


@click.command("list", short_help="List a launch's dead letters, the latest first.")
@launch_argument
@click.option("--limit", type=click.IntRange(1, LIST_LIMIT), default=20, show_default=True, help="How many.")
@json_option
@click.pass_obj
def list_(settings: ConsoleSettings, name: str, limit: int, in_json: bool) -> None:
    """List a launch's dead letters, the latest first."""
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        now_ms = read_clock_ms(redis)
        letters = list(itertools.islice(read_dead_letters(redis, state), limit))
        total = sum(redis.execute_command("XLEN", keys.dead(name, shard)) for shard in range(state.spec.shards))
    if in_json:
        print_json({"launch": name, "dead": total, "letters": [dead_letter_to_json(letter) for letter in letters]})
        return
    if not letters:
        print_line(f"{name} has no dead letters.")
        return
    latest = f", the latest {len(letters)}" if total > len(letters) else ", the latest first"
    print_line(f"{format_plural(total, 'dead letter')} of {name}{latest if total > 1 else ''}:")
    print_styled(render_letters(letters, now_ms))
    if total > len(letters):
        print_line(f"{format_count(total - len(letters))} more: --limit {min(total, LIST_LIMIT)}")
    print_line(f"Next: darklaunch dead show {name} {name_letter(letters[0])}")

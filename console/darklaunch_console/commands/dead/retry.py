"""`dead retry`: put dead letters back on the stream they come from."""

from __future__ import annotations

import click

from darklaunch_console.cli.arguments import launch_argument
from darklaunch_console.errors import EXIT_FAILED
from darklaunch_console.launches.dead_letter_text import name_letter
from darklaunch_console.output.numbers import format_seconds
from darklaunch_console.output.screen import GOOD, json_option, print_json, print_line, print_warning
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.dead_letters import is_stale, retry_dead_letter
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.processes import read_clock_ms
from darklaunch_console.stores.streams import read_published_launch

from .choice import choose_letters, yes_option


@click.command(short_help="Put dead letters back to be replayed or compared again.")
@launch_argument
@click.argument("id", required=False)
@yes_option
@json_option
@click.pass_context
def retry(ctx: click.Context, name: str, id: str | None, yes: bool, in_json: bool) -> None:
    """Put one dead letter, or all, back to be replayed or compared again. The new outcome replaces `dead`.

    A letter older than the launch's --max-age is not put back: workers would only drop it as stale.
    """
    with open_redis(ctx.obj) as redis:
        state = read_published_launch(redis, name)
        letters = choose_letters(redis, state, id, "Put back", yes=yes)
        now_ms = read_clock_ms(redis)
        stale = [letter for letter in letters if is_stale(letter, state, now_ms)]
        fresh = [letter for letter in letters if letter not in stale]
        retried = [name_letter(letter) for letter in fresh if retry_dead_letter(redis, state, letter)]
    if in_json:
        print_json({"launch": name, "retried": retried, "stale": [letter.entry_id for letter in stale]})
    else:
        print_line(f"{format_plural(len(retried), 'dead letter')} of {name} put back.", style=GOOD if retried else "")
    if stale:
        older = format_plural(len(stale), "dead letter")
        max_age = format_seconds(state.spec.max_age_s)
        print_warning(f"{older} older than {name}'s max age ({max_age}) not put back: they would be stale.")
    ctx.exit(EXIT_FAILED if stale and not retried else 0)

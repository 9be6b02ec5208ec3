"""Which dead letters `retry` and `purge` mean: the one that is named, or all of them after asking."""

from __future__ import annotations

import sys

import click
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.errors import BadUsage
from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.dead_letters import StoredDeadLetter, find_dead_letter, read_dead_letters

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def choose_letters(
    redis: RedisClient, state: LaunchState, id: str | None, action: str, *, yes: bool
) -> list[StoredDeadLetter]:
    """Return the letter of this id, or all there are, after asking.

    Raises ConsoleError for an unknown id, BadUsage when all are meant, nobody can be asked and `yes` is False.
    """
    if id:
        return [find_dead_letter(redis, state, id)]
    letters = list(read_dead_letters(redis, state))
    if not letters or yes:
        return letters
    if not sys.stdin.isatty():
        raise BadUsage(f"{format_plural(len(letters), 'dead letter')}: name one, or add --yes to mean all of them")
    question = f"{action} all {format_count(len(letters))} dead letters of {state.name}?"
    return letters if click.confirm(question, err=True) else []

"""`pause`: stop mirroring a launch for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.errors import ServerUnreachable
from darklaunch_console.launches.change import ChangeNotPublished, change_launch, current_actor, find_launch
from darklaunch_console.launches.description import STATUS_WORDS
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.numbers import format_seconds
from darklaunch_console.output.screen import WARN
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command()
@change_arguments
@click.pass_obj
def pause(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """Stop mirroring a launch for a while.

    Within a second no app samples a request and no replay starts. Exchanges that wait are kept until `resume`, or
    until they are older than the launch's --max-age.
    """
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, _suggesting_rollback(name), open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is not LaunchStatus.ACTIVE:
            status = STATUS_WORDS[before.state.status]
            printer.print_unchanged(before, f"{name} is {status} already: nothing is mirrored.")
            return
        act = LaunchAct(current_actor(), "paused", reason)
        state = change_launch(redis, connection, before, act, status=LaunchStatus.PAUSED).state
    printer.print_changed(state, f"{name} is paused: within a second nothing is mirrored any more.", WARN)
    printer.print_next(
        f"darklaunch resume {name}, or darklaunch drain {name} --discard",
        f"Exchanges that wait are kept; what is older than {format_seconds(state.spec.max_age_s)} is not replayed.",
    )


@contextlib.contextmanager
def _suggesting_rollback(name: str) -> Generator[None]:
    """Add to an error of Postgres what stops a launch without it."""
    try:
        yield
    except ChangeNotPublished:
        raise
    except ServerUnreachable as unreachable:
        hint = f"Without it, `darklaunch rollback {name}` stops mirroring"
        raise ServerUnreachable(f"{str(unreachable).rstrip('.')}. {hint}") from unreachable

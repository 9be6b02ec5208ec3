"""`resume`: mirror a launch again."""

from __future__ import annotations

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.launches.description import describe_mirroring, describe_status
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.screen import GOOD
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command()
@change_arguments
@click.pass_obj
def resume(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """Mirror a launch again, at the share it had: end a pause, an emergency hold or a rollback."""
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.ACTIVE and not before.held_somewhere:
            printer.print_unchanged(before, f"{name} is active already: {describe_mirroring(before.state)}.")
            return
        old_status = describe_status(before.state, held=before.held_somewhere)
        act = LaunchAct(current_actor(), "resumed", reason)
        state = change_launch(redis, connection, before, act, status=LaunchStatus.ACTIVE, hold=False).state
    printer.print_changed(state, f"{name} is active again: {describe_mirroring(state)}.", GOOD)
    printer.print_next(f"darklaunch show {name}", f"It was {old_status}." if old_status != "paused" else "")

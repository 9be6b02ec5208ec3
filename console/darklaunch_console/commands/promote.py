"""`promote`: end a launch as a success."""

from __future__ import annotations

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.screen import GOOD
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.reports.verdict_text import list_objections
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command()
@change_arguments
@click.option("--anyway", is_flag=True, help="Promote against the verdict; needs --reason, which is recorded.")
@click.pass_obj
def promote(settings: ConsoleSettings, name: str, reason: str, in_json: bool, anyway: bool) -> None:
    """End a launch as a success. Mirroring stops; sending users to the new version is your deployment's task.

    Refused when the verdict is to roll back, when nothing has been judged yet, or while endpoints that carry much
    traffic are not judged.
    """
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.PROMOTED:
            printer.print_unchanged(before, f"{name} is promoted already: nothing is mirrored.")
            return
        objections = list_objections(read_judged_launch(connection, name).summary)
        if objections and not (anyway and reason):
            raise ConsoleError(
                f"{name} is not promoted: {'; '.join(objections)}. If you know better: --anyway --reason 'why'"
            )
        act = LaunchAct(current_actor(), "promoted", reason, data={"despite": objections} if objections else None)
        state = change_launch(redis, connection, before, act, status=LaunchStatus.PROMOTED).state
    printer.print_changed(state, f"{name} is promoted: within a second nothing is mirrored any more.", GOOD)
    printer.print_next(
        f"darklaunch report {name}",
        f"Now send users to {state.spec.shadow}'s version: darklaunch does not route them.",
    )

"""`promote`: end a launch as a success."""

from __future__ import annotations

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import CurrentLaunch, change_launch, current_actor, find_launch
from darklaunch_console.launches.description import describe_stop
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.screen import GOOD
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.reports.verdict_objections import list_objections
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command()
@change_arguments
@click.option("--anyway", is_flag=True, help="Promote against the verdict; needs --reason, which is recorded.")
@click.pass_obj
def promote(settings: ConsoleSettings, name: str, reason: str, in_json: bool, anyway: bool) -> None:
    """End a launch as a success. Mirroring stops; sending users to the new version is your deployment's task.

    Refused when the verdict is to roll back, when nothing has been judged yet, while endpoints that carry much traffic
    are not judged, and when the launch was rolled back or is held. With --anyway a rollback or hold is lifted.
    """
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.PROMOTED and not before.held_somewhere:
            printer.print_unchanged(before, f"{name} is promoted already: nothing is mirrored.")
            return
        stop = describe_stop(before)
        objections = list_objections(read_judged_launch(connection, name).summary)
        if stop:
            objections.insert(0, f"it {stop}")
        if objections and not (anyway and reason):
            raise ConsoleError(
                f"{name} is not promoted: {'; '.join(objections)}. If you know better: --anyway --reason 'why'"
            )
        act = LaunchAct(current_actor(), "promoted", reason, data={"despite": objections} if objections else None)
        # A hold would keep `is_promoted` False whatever the status is.
        lifted = {"hold": False} if stop else {}
        state = change_launch(redis, connection, before, act, status=LaunchStatus.PROMOTED, **lifted).state
    printer.print_changed(state, _describe_promotion(name, before, stop), GOOD)
    printer.print_next(
        f"darklaunch report {name}",
        f'is_promoted("{name}") is True in every app within a second. Now send users to {state.spec.shadow}\'s '
        "version: darklaunch does not route them.",
    )


def _describe_promotion(name: str, before: CurrentLaunch, stop: str) -> str:
    """Return what is so now. `stop` is what stopped the launch before, "" for nothing."""
    ended = "rollback" if before.state.status is LaunchStatus.ROLLED_BACK else "hold"
    lifted = f", and its {ended} is lifted" if stop else ""
    return f"{name} is promoted{lifted}: within a second nothing is mirrored any more."

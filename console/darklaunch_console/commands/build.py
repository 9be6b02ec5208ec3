"""`build`: name the version that the shadow runs, where its responses do not name it."""

from __future__ import annotations

from dataclasses import replace

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import check_build

from darklaunch_console.cli.arguments import change_arguments
from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.screen import GOOD
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command()
@change_arguments
@click.argument("build", metavar="ID")
@click.pass_obj
def build(settings: ConsoleSettings, name: str, build: str, reason: str, in_json: bool) -> None:
    """Name the version that the shadow runs from now on: evidence about one version is not used for another.

    Not needed where the shadow's responses name it: with DARKLAUNCH_BUILD in the environment of its hook, or in the
    header that `start --build-header` names. The version that a response names takes precedence over this one.
    """
    check_build(build)
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        spec = before.state.spec
        if spec.build == build:
            printer.print_unchanged(before, f"{name}'s shadow is called {build} already.")
            return
        act = LaunchAct(current_actor(), "build_named", reason)
        state = change_launch(redis, connection, before, act, spec=replace(spec, build=build)).state
    printer.print_changed(state, f"{name}'s shadow is called {build} from now on.", GOOD)
    printer.print_next(f"darklaunch report {name}", f"Before: {spec.build}." if spec.build else "")

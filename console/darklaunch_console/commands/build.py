"""`build`: say which version the shadow runs now, where its answers do not."""

from __future__ import annotations

from dataclasses import replace

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import check_build

from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.output.screen import GOOD
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

from .change import CommandAnswer, acting


@click.command(short_help="Name the version the shadow runs.")
@acting
@click.argument("build", metavar="ID")
@click.pass_obj
def build(settings: ConsoleSettings, name: str, build: str, reason: str, in_json: bool) -> None:
    """Name the version the shadow runs from now on: what is known of another version says nothing about it.

    Not needed where the shadow's answers name it: by DARKLAUNCH_BUILD in the environment of its hook, or by the header
    that `start --build-header` names. What an answer says counts, whatever is said here.
    """
    check_build(build)
    told = CommandAnswer(name, in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        spec = before.state.spec
        if spec.build == build:
            told.unchanged(before, f"{name}'s shadow is called {build} already.")
            return
        record = change_launch(
            redis,
            connection,
            before,
            LaunchAct(current_actor(), "build_named", reason),
            spec=replace(spec, build=build),
        )
    told.changed(record.state, f"{name}'s shadow is called {build} from now on.", GOOD)
    told.also(f"Before: {spec.build}." if spec.build else "", f"darklaunch report {name}")

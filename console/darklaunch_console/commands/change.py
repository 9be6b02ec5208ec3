"""`pause`, `resume`, `ramp` and `promote`: change a launch that exists."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import click
from darklaunch_comparator.store.launches import LaunchAct
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus

from darklaunch_console.cli.arguments import check_launch_name, read_percentage
from darklaunch_console.errors import ConsoleError, ServerUnreachable
from darklaunch_console.launches.change import (
    ChangeNotPublished,
    CurrentLaunch,
    change_launch,
    current_actor,
    find_launch,
    launch_as_json,
)
from darklaunch_console.launches.description import STATUS_WORDS, describe_mirroring, describe_status
from darklaunch_console.output.numbers import format_percent as in_percent
from darklaunch_console.output.screen import GOOD, WARN, json_option, print_json, print_line
from darklaunch_console.reports.judgement import list_objections, read_judged_launch
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis

F = TypeVar("F", bound=Callable[..., Any])


def acting(function: F) -> F:
    """Give a command the launch's name, --reason and --json."""
    reason = click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
    return click.argument("name", callback=check_launch_name)(reason(json_option(function)))


@click.command()
@acting
@click.pass_obj
def pause(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """Stop mirroring a launch for a while.

    Within a second no hook samples and no replay starts. Exchanges that wait on the streams stay there until
    `resume`, or until they are too old to be compared fairly.
    """
    told = CommandAnswer(name, in_json)
    with open_redis(settings) as redis, _or_rollback(name), open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        status = before.state.status
        if status is not LaunchStatus.ACTIVE:
            told.unchanged(before, f"{name} is {STATUS_WORDS[status]} already: nothing is mirrored.")
            return
        record = change_launch(
            redis, connection, before, LaunchAct(current_actor(), "paused", reason), status=LaunchStatus.PAUSED
        )
    told.changed(record.state, f"{name} is paused: within a second nothing is mirrored any more.", WARN)
    told.also("Exchanges that wait are kept.", f"darklaunch resume {name}, or darklaunch drain {name} --discard")


@click.command()
@acting
@click.pass_obj
def resume(settings: ConsoleSettings, name: str, reason: str, in_json: bool) -> None:
    """Mirror a launch again, at the share it had: lift a pause, an emergency hold or a rollback."""
    told = CommandAnswer(name, in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.ACTIVE and not before.held_somewhere:
            told.unchanged(before, f"{name} is active already: {describe_mirroring(before.state)}.")
            return
        was = describe_status(before.state, held=before.held_somewhere)
        act = LaunchAct(current_actor(), "resumed", reason)
        record = change_launch(redis, connection, before, act, status=LaunchStatus.ACTIVE, hold=False)
    told.changed(record.state, f"{name} is active again: {describe_mirroring(record.state)}.", GOOD)
    told.also(f"It was {was}." if was != "paused" else "", f"darklaunch show {name}")


@click.command()
@click.argument("name", callback=check_launch_name)
@click.argument("percent", callback=read_percentage)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the event.")
@json_option
@click.pass_obj
def ramp(settings: ConsoleSettings, name: str, percent: float, reason: str, in_json: bool) -> None:
    """Change the share of requests that is mirrored, in percent, 0 to 100.

    With sticky sampling everyone who is in stays in when the share is raised. 0 mirrors nothing new and lets what is
    on its way finish.
    """
    told = CommandAnswer(name, in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        old = before.state.percent
        if old == percent:
            told.unchanged(before, f"{name} is at {in_percent(percent)} already.{_not_running(before.state, before)}")
            return
        record = change_launch(redis, connection, before, LaunchAct(current_actor(), "ramped", reason), percent=percent)
    state = record.state
    if state.status is LaunchStatus.ACTIVE and not before.held_somewhere:
        told.changed(
            state, f"{name} is at {in_percent(percent)}, was {in_percent(old)}: {describe_mirroring(state)}.", GOOD
        )
        told.also("" if percent else "What is on its way is finished.", f"darklaunch report {name}")
        return
    told.changed(
        state, f"{name} is at {in_percent(percent)}, was {in_percent(old)}.{_not_running(state, before)}", WARN
    )
    told.also("", f"darklaunch resume {name}")


@click.command()
@acting
@click.option("--anyway", is_flag=True, help="Although the verdict objects; kept with the event, as is --reason.")
@click.pass_obj
def promote(settings: ConsoleSettings, name: str, reason: str, in_json: bool, anyway: bool) -> None:
    """End a launch as a success. Mirroring stops; sending users to the new version is the deployment's part.

    Refused when the verdict is to roll back, when nothing has been judged yet, or while endpoints that carry much
    traffic are not judged.
    """
    told = CommandAnswer(name, in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        if before.state.status is LaunchStatus.PROMOTED:
            told.unchanged(before, f"{name} is promoted already: nothing is mirrored.")
            return
        objections = list_objections(read_judged_launch(connection, name).summary)
        if objections and not (anyway and reason):
            raise ConsoleError(
                f"{name} is not promoted: {'; '.join(objections)}. If you know better: --anyway --reason 'why'"
            )
        act = LaunchAct(current_actor(), "promoted", reason, data={"despite": objections} if objections else None)
        record = change_launch(redis, connection, before, act, status=LaunchStatus.PROMOTED)
    told.changed(record.state, f"{name} is promoted: within a second nothing is mirrored any more.", GOOD)
    told.also(
        f"Now send users to {record.state.spec.shadow}'s version: darklaunch does not route them.",
        f"darklaunch report {name}",
    )


@contextlib.contextmanager
def _or_rollback(name: str) -> Generator[None]:
    """Say what stops a launch when Postgres is away, to someone who wants to stop it."""
    try:
        yield
    except ChangeNotPublished:
        raise
    except ServerUnreachable as away:
        hint = f"Without it, `darklaunch rollback {name}` stops mirroring"
        raise ServerUnreachable(f"{str(away).rstrip('.')}. {hint}") from away


class CommandAnswer:
    """What a command says: the answer first, then what happens next; or one JSON object."""

    def __init__(self, name: str, in_json: bool) -> None:
        self._name, self._in_json = name, in_json

    def changed(self, state: LaunchState, line: str, style: str) -> None:
        """Say what is so now."""
        if self._in_json:
            print_json(launch_as_json(state, changed=True))
        else:
            print_line(line, style=style)

    def unchanged(self, before: CurrentLaunch, line: str) -> None:
        """Say that it was so before."""
        if self._in_json:
            print_json(launch_as_json(before.state, changed=False))
        else:
            print_line(line)

    def also(self, remark: str, following: str) -> None:
        """Add a remark ("" for none) and the command that follows."""
        if not self._in_json:
            if remark:
                print_line(f"  {remark}")
            print_line(f"  Next: {following}")


def _not_running(state: LaunchState, before: CurrentLaunch) -> str:
    if state.status is LaunchStatus.ACTIVE and not before.held_somewhere:
        return ""
    return f" It is {describe_status(state, held=before.held_somewhere)}: nothing is mirrored until it is resumed."

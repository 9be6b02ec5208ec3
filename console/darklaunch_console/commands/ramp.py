"""`ramp`: change the share of requests that a launch mirrors."""

from __future__ import annotations

import click
from darklaunch_comparator.store.launches import LaunchAct

from darklaunch_console.cli.arguments import launch_argument, read_percentage, reason_option
from darklaunch_console.launches.change import change_launch, current_actor, find_launch
from darklaunch_console.launches.description import describe_mirroring, describe_standstill
from darklaunch_console.launches.printing import ChangePrinter
from darklaunch_console.output.numbers import format_percent
from darklaunch_console.output.screen import GOOD, WARN, json_option
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis


@click.command()
@launch_argument
@click.argument("percent", callback=read_percentage)
@reason_option
@json_option
@click.pass_obj
def ramp(settings: ConsoleSettings, name: str, percent: float, reason: str, in_json: bool) -> None:
    """Change the share of requests that is mirrored, in percent, 0 to 100.

    With --sticky sampling everybody who is mirrored stays so when the share is raised. 0 mirrors nothing new and lets
    what is in progress finish.
    """
    printer = ChangePrinter(in_json)
    with open_redis(settings) as redis, open_postgres(settings) as connection:
        before = find_launch(redis, connection, name)
        old_percent = before.state.percent
        if old_percent == percent:
            standstill = describe_standstill(before.state, before)
            printer.print_unchanged(before, f"{name} is at {format_percent(percent)} already. {standstill}".rstrip())
            return
        act = LaunchAct(current_actor(), "ramped", reason)
        state = change_launch(redis, connection, before, act, percent=percent).state
    line = f"{name} is at {format_percent(percent)}, was {format_percent(old_percent)}"
    if standstill := describe_standstill(state, before):
        printer.print_changed(state, f"{line}. {standstill}", WARN)
        printer.print_next(f"darklaunch resume {name}")
    else:
        printer.print_changed(state, f"{line}: {describe_mirroring(state)}.", GOOD)
        printer.print_next(f"darklaunch report {name}", "" if percent else "What is in progress is finished.")

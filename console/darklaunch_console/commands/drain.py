"""`drain`: wait until what is on its way has settled, or give up what a paused launch holds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import asdict

import click
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import write_even_if_full
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from darklaunch_console.cli.arguments import check_launch_name, make_duration_callback
from darklaunch_console.errors import EXIT_FAILED, ConsoleError
from darklaunch_console.launches.drain import ExchangesInProgress, count_in_progress, wait_until_drained
from darklaunch_console.output.numbers import format_count, format_percent, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, json_option, print_json, print_line, print_warning
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers
from darklaunch_console.stores.streams import read_published_launch, read_streams

DISCARDED = "paused"
"""The reason for which workers drop what a paused launch holds, in the ledger."""


@click.command()
@click.argument("name", callback=check_launch_name)
@click.option(
    "--timeout",
    callback=make_duration_callback(0),
    default="60s",
    metavar="TIME",
    help="Give up after.  [default: 60s]",
)
@click.option("--discard", is_flag=True, help="Give up what a paused launch holds: it is counted as dropped (paused).")
@json_option
@click.pass_context
def drain(ctx: click.Context, name: str, timeout: float, discard: bool, in_json: bool) -> None:
    """Wait until every exchange that was sampled up to now has an outcome.

    Sampling is not changed; `darklaunch ramp NAME 0` before makes an end of it. Exit code 1 when the time is up.
    """
    settings: ConsoleSettings = ctx.obj
    began = time.monotonic()
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        first = count_in_progress(read_streams(redis, state))
        held = state.status is LaunchStatus.PAUSED and not state.hold
        if discard and not held:
            raise ConsoleError(f"{name} is not paused: nothing is held. Pause it first: darklaunch pause {name}")
        if held and not discard and first.waiting + first.replaying:
            held_back = format_plural(first.waiting + first.replaying, "exchange")
            raise ConsoleError(
                f"{name} is paused: workers hold {held_back}. Replay them with "
                f"`darklaunch resume {name}`, or give them up with `darklaunch drain {name} --discard`"
            )
        if not in_json:
            _warn_of_absence(redis, first)
        with _discarding(redis, name) if discard else contextlib.nullcontext(), _progress(not in_json) as told:
            done = wait_until_drained(lambda: read_streams(redis, state), told, timeout)
        now = count_in_progress(read_streams(redis, state))
    took_s = time.monotonic() - began
    if in_json:
        print_json({"launch": name, "drained": done, "waited_s": round(took_s, 3), "left": asdict(now)})
    else:
        _tell(state, now, done, took_s)
    ctx.exit(0 if done else EXIT_FAILED)


@contextlib.contextmanager
def _discarding(redis: RedisClient, name: str) -> Generator[None]:
    write_even_if_full(redis, "HSET", keys.launch(name), keys.STATE_DISCARD, DISCARDED)
    write_even_if_full(redis, "INCR", keys.REVISION)
    try:
        yield
    finally:  # a later pause must not discard
        redis.execute_command("HDEL", keys.launch(name), keys.STATE_DISCARD)
        write_even_if_full(redis, "INCR", keys.REVISION)


@contextlib.contextmanager
def _progress(wanted: bool) -> Generator[Callable[[ExchangesInProgress], None]]:
    """Show what is left while a person looks on."""
    console = Console(stderr=True)
    if not wanted or not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("looking", total=1)
        most = 1

        def told(now: ExchangesInProgress) -> None:
            nonlocal most
            most = max(most, now.total)
            progress.update(task, total=most, completed=most - now.total, description=in_words(now))

        yield told


def in_words(now: ExchangesInProgress) -> str:
    """Say where things are: `12 wait for a worker, 31 are being replayed`."""
    parts = (
        (now.outboxes, "in hooks' outboxes"),
        (now.waiting, "waiting for a worker"),
        (now.replaying, "being replayed"),
        (now.comparing, "waiting to be compared"),
    )
    return ", ".join(f"{format_count(number)} {where}" for number, where in parts if number) or "nothing on its way"


def _warn_of_absence(redis: RedisClient, first: ExchangesInProgress) -> None:
    if first.waiting + first.replaying and not list_live_workers(redis):
        print_warning("no worker is running: start one with `darklaunch worker`.")
    if first.total and not list_live_comparators(redis):
        print_warning("no comparator is running: start one with `darklaunch comparator`.")


def _tell(state: LaunchState, now: ExchangesInProgress, done: bool, took_s: float) -> None:
    if not done:
        print_line(f"{state.name} is not drained after {format_seconds(took_s)}: {in_words(now)}.", style=BAD)
        print_line("  Next: darklaunch backlog, darklaunch doctor")
    elif state.fraction:
        print_line(f"Everything that {state.name} had sampled has settled, after {format_seconds(took_s)}.", style=GOOD)
        print_line(f"  Sampling goes on at {format_percent(state.percent)}; darklaunch ramp {state.name} 0 ends it.")
    else:
        print_line(f"{state.name} is drained: nothing is on its way.", style=GOOD)
        print_line(f"  Next: darklaunch audit {state.name}")

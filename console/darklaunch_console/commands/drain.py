"""`drain`: wait until every sampled exchange has an outcome, or give up what a paused launch holds."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict

import click
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient

from darklaunch_console.audit.launch_audit import read_account
from darklaunch_console.cli.arguments import launch_argument, make_duration_callback
from darklaunch_console.errors import EXIT_FAILED, ConsoleError
from darklaunch_console.launches.drain import count_in_progress, discard_held, wait_until_drained, wait_until_recorded
from darklaunch_console.launches.drain_progress import show_progress
from darklaunch_console.launches.drain_text import list_missing_processes, render_outcome
from darklaunch_console.output.screen import json_option, print_json, print_styled, print_warning
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres, open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers
from darklaunch_console.stores.streams import read_published_launch, read_streams


@click.command()
@launch_argument
@click.option(
    "--timeout",
    callback=make_duration_callback(0),
    default="60s",
    metavar="TIME",
    help="Give up after this time.  [default: 60s]",
)
@click.option("--discard", is_flag=True, help="Give up what a paused launch holds: it counts as dropped (paused).")
@json_option
@click.pass_context
def drain(ctx: click.Context, name: str, timeout: float, discard: bool, in_json: bool) -> None:
    """Wait until every exchange that was sampled up to now has an outcome.

    Sampling goes on; to end it, type `darklaunch ramp NAME 0` first. Exit code 1 when the time is up, also when only
    exchanges that Redis lost still have no outcome.
    """
    settings: ConsoleSettings = ctx.obj
    began_s = time.monotonic()
    with open_redis(settings) as redis:
        state = read_published_launch(redis, name)
        before = count_in_progress(read_streams(redis, state))
        holds = state.status is LaunchStatus.PAUSED and not state.hold
        if discard and not holds:
            raise ConsoleError(f"{name} is not paused: nothing is held. Pause it first: darklaunch pause {name}")
        if holds and not discard and before.waiting + before.replaying:
            held = format_plural(before.waiting + before.replaying, "exchange")
            raise ConsoleError(
                f"{name} is paused: workers hold {held}. Replay them with `darklaunch resume {name}`, "
                f"or give them up with `darklaunch drain {name} --discard`"
            )
        if not in_json:
            workers, comparators = list_live_workers(redis), list_live_comparators(redis)
            for warning in list_missing_processes(before, workers=bool(workers), comparators=bool(comparators)):
                print_warning(warning)
        discarding = discard_held(redis, name) if discard else contextlib.nullcontext()
        with discarding, show_progress(wanted=not in_json) as on_progress:
            drained = wait_until_drained(lambda: read_streams(redis, state), on_progress, timeout)
        after = count_in_progress(read_streams(redis, state))
        lost = 0
        if drained:
            lost = _wait_for_lost(settings, redis, state, limit_s=timeout - (time.monotonic() - began_s))
    took_s = time.monotonic() - began_s
    if in_json:
        left = {**asdict(after), "lost": lost}
        print_json({"launch": name, "drained": drained and not lost, "waited_s": round(took_s, 3), "left": left})
    else:
        print_styled(render_outcome(state, after, drained=drained, lost=lost, took_s=took_s))
    ctx.exit(0 if drained and not lost else EXIT_FAILED)


def _wait_for_lost(settings: ConsoleSettings, redis: RedisClient, state: LaunchState, *, limit_s: float) -> int:
    """Wait until what Redis lost is recorded; return how many exchanges `audit` counts as lost when time is up."""
    with open_postgres(settings) as connection:

        def count_lost() -> int:
            try:
                return read_account(redis, connection, state).lost
            finally:
                connection.rollback()  # no transaction stays open between two counts

        return wait_until_recorded(count_lost, limit_s)

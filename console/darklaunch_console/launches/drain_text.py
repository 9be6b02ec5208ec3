"""What `drain` prints: progress while it waits, warnings, and the outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from darklaunch_console.output.numbers import format_percent, format_seconds
from darklaunch_console.output.screen import BAD, GOOD, print_line, print_warning
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers

from .drain import ExchangesInProgress, describe_in_progress


@contextlib.contextmanager
def show_progress(*, wanted: bool) -> Generator[Callable[[ExchangesInProgress], None]]:
    """Return a function that shows what is in progress, on a terminal; elsewhere it does nothing."""
    console = Console(stderr=True)
    if not wanted or not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading the streams", total=1)
        total = 1

        def update_bar(progress: ExchangesInProgress) -> None:
            nonlocal total
            total = max(total, progress.total)
            bar.update(task, total=total, completed=total - progress.total, description=describe_in_progress(progress))

        yield update_bar


def warn_of_missing_processes(redis: RedisClient, progress: ExchangesInProgress) -> None:
    """Print a warning for each kind of process that is needed and not alive."""
    if progress.waiting + progress.replaying and not list_live_workers(redis):
        print_warning("no worker is running: start one with `darklaunch worker`.")
    if progress.total and not list_live_comparators(redis):
        print_warning("no comparator is running: start one with `darklaunch comparator`.")


def print_drained(state: LaunchState, progress: ExchangesInProgress, drained: bool, took_s: float) -> None:
    """Print whether the launch is drained, what is in progress now, and what to type next."""
    if not drained:
        where = describe_in_progress(progress)
        print_line(f"{state.name} is not drained after {format_seconds(took_s)}: {where}.", style=BAD)
        print_line("  Next: darklaunch backlog, darklaunch doctor")
    elif state.fraction:
        took = format_seconds(took_s)
        print_line(f"Every exchange that {state.name} had sampled has an outcome, after {took}.", style=GOOD)
        print_line(f"  Sampling goes on at {format_percent(state.percent)}; darklaunch ramp {state.name} 0 ends it.")
    else:
        print_line(f"{state.name} is drained: nothing is in progress.", style=GOOD)
        print_line(f"  Next: darklaunch audit {state.name}")


def print_lost(state: LaunchState, lost: int, took_s: float) -> None:
    """Print that nothing is in progress, but that Redis lost exchanges which have no outcome yet."""
    missing = format_plural(lost, "exchange has", "exchanges have")
    print_line(f"{state.name} is not drained after {format_seconds(took_s)}: {missing} no outcome.", style=BAD)
    print_line("  Nothing is in progress: Redis lost them (restart without its data, FLUSHALL).")
    print_line("  The leading comparator records them as dropped (lost_in_redis) in minutes.")
    print_line(f"  Next: darklaunch audit {state.name}, then darklaunch drain {state.name} again")

"""`up`: everything in one command."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Generator, Sequence
from functools import partial
from types import FrameType
from typing import Final

import click
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.process.shutdown import handle_stop_signals
from darklaunch_shared.process.supervisor import SupervisedProcess, stop_all

from darklaunch_console.cli.arguments import make_duration_callback
from darklaunch_console.embedded import EmbeddedError, EmbeddedServers, embedded_servers
from darklaunch_console.errors import ConsoleError, ServerUnreachable
from darklaunch_console.launches.drain import ExchangesInProgress, wait_until_drained
from darklaunch_console.output.screen import GOOD, STRONG, print_line
from darklaunch_console.output.text import format_plural
from darklaunch_console.running.eviction_check import refuse_evicting_redis
from darklaunch_console.running.logging import log_to_stderr
from darklaunch_console.settings import FROM_UP, ConsoleSettings, ServerAddress
from darklaunch_console.stores.postgres import name_postgres, name_redis, open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers
from darklaunch_console.stores.streams import read_published_launches, read_streams

from .migrate import bring_up_to_date

WATCH_EVERY_S: Final = 0.2
READY_LIMIT_S: Final = 30.0
WORKERS_STOP_S: Final = 20.0
COMPARATORS_STOP_S: Final = 15.0

log = logging.getLogger("darklaunch.console")


class StopNow(BaseException):
    """The second signal: do not wait for anything."""


@click.command()
@click.option("--workers", type=click.IntRange(1, 256), default=2, show_default=True, help="Worker processes.")
@click.option("--comparators", type=click.IntRange(1, 64), default=1, show_default=True, help="Comparator processes.")
@click.option(
    "--drain",
    callback=make_duration_callback(),
    default="10s",
    metavar="TIME",
    help="Time to settle in.  [default: 10s]",
)
@click.pass_obj
def up(settings: ConsoleSettings, workers: int, comparators: int, drain: float) -> None:
    """Run everything: Redis and Postgres where no URL names one, the tables, workers and a comparator.

    The servers' data is kept for the next time. Ctrl-C lets what is on its way settle, then stops; twice stops at once.
    """
    log_to_stderr("up")
    named = ConsoleSettings(_given(settings.redis), _given(settings.database))
    try:
        with (
            _signals() as stop,
            embedded_servers(
                keep=True,
                redis_url=named.redis.url if named.redis else None,
                postgres_url=named.database.url if named.database else None,
            ) as servers,
        ):
            used = ConsoleSettings(
                named.redis or ServerAddress(servers.redis_url, FROM_UP),
                named.database or ServerAddress(servers.postgres_url, FROM_UP),
            )
            refuse_evicting_redis(used)
            bring_up_to_date(used)
            log.info("Redis and Postgres are there; starting workers and comparators")
            _run(_parts(used, workers, comparators), servers, used, stop, drain)
    except EmbeddedError as error:
        raise ConsoleError(str(error)) from error
    except StopNow:
        raise KeyboardInterrupt from None
    print_line("Stopped.")


def _given(address: ServerAddress | None) -> ServerAddress | None:
    """Leave out what another `up` runs: its directory is locked, and says so better."""
    return address if address and address.source != FROM_UP else None


def _parts(settings: ConsoleSettings, workers: int, comparators: int) -> list[SupervisedProcess]:
    assert settings.redis
    assert settings.database
    environment = {
        "DARKLAUNCH_REDIS_URL": settings.redis.url,
        "DARKLAUNCH_DATABASE_URL": settings.database.url,
        "DARKLAUNCH_WORKER_PARENT": str(os.getpid()),
        "DARKLAUNCH_COMPARATOR_PARENT": str(os.getpid()),
    }
    kinds = (("comparator", comparators), ("worker", workers))
    return [
        SupervisedProcess(
            name=f"{kind}-{number}",
            command=(sys.executable, "-m", "darklaunch_console", kind, "--name", f"{kind}-{number}"),
            environment=environment,
        )
        for kind, most in kinds
        for number in range(1, most + 1)
    ]


def _run(
    parts: Sequence[SupervisedProcess],
    servers: EmbeddedServers,
    settings: ConsoleSettings,
    stop: threading.Event,
    drain_s: float,
) -> None:
    """Keep the parts running until told to stop; then let everything settle and end in order."""
    told = False
    began = time.monotonic()
    try:
        while not stop.wait(WATCH_EVERY_S):
            for part in parts:
                part.watch()
            for server in servers.processes:
                if server.exit_code() is not None:
                    raise ConsoleError(f"{server.name} ended by itself. Its log is {server.log_path}")
            if not told and (_ready(settings, parts) or time.monotonic() - began > READY_LIMIT_S):
                told = True
                _tell(servers, settings, parts)
        print_line("Stopping: what is on its way settles first. Ctrl-C again stops at once.")
        _let_settle(settings, drain_s)
        stop_all([part for part in parts if part.name.startswith("worker-")], WORKERS_STOP_S)
        stop_all([part for part in parts if part.name.startswith("comparator-")], COMPARATORS_STOP_S)
    finally:
        stop_all(parts, 0.0)


def _ready(settings: ConsoleSettings, parts: Sequence[SupervisedProcess]) -> bool:
    try:
        with open_redis(settings) as redis:
            return len(list_live_workers(redis)) + len(list_live_comparators(redis)) >= len(parts)
    except ServerUnreachable:
        return False


def _tell(servers: EmbeddedServers, settings: ConsoleSettings, parts: Sequence[SupervisedProcess]) -> None:
    assert settings.redis
    assert settings.database
    kinds = [part.name.partition("-")[0] for part in parts]
    counted = (
        f"{format_plural(kinds.count('worker'), 'worker')} and {format_plural(kinds.count('comparator'), 'comparator')}"
    )
    print_line(
        f"darklaunch is up: {counted}, {name_redis(settings.redis)}, {name_postgres(settings.database)}.", style=GOOD
    )
    if settings.redis.source == FROM_UP:
        print_line("Give it to your app, which carries the hook:")
        print_line(f"  export DARKLAUNCH_REDIS_URL={settings.redis.url}", style=STRONG)
        named = settings.redis.url.replace("redis://:", "redis://default:", 1)  # without a user redis-cli is refused
        print_line("Look at what is on its way with redis-cli:")
        print_line(f"  redis-cli -u {named}")
    if settings.database.source == FROM_UP:
        print_line("Ask the results with psql:")
        print_line(f"  psql {settings.database.url}")
    if servers.processes:
        print_line(f"Their data is kept in {servers.processes[0].log_path.parent}.")
    print_line("Next, in another terminal: darklaunch start NAME --shadow http://HOST:PORT")


def _let_settle(settings: ConsoleSettings, limit_s: float) -> None:
    """Wait until what was sampled has an outcome; say what is left for the next time."""
    try:
        left = _left_after(settings, time.monotonic() + limit_s)
    except ServerUnreachable as away:
        log.warning("%s", away)
        return
    if left:
        print_line(f"{format_plural(left, 'exchange')} left for the next time.")


def _left_after(settings: ConsoleSettings, until_s: float) -> int:
    with open_redis(settings) as redis:
        launches = [
            state for state in read_published_launches(redis).values() if state.status is not LaunchStatus.PAUSED
        ]
        for state in launches:
            wait_until_drained(partial(read_streams, redis, state), _say_nothing, until_s - time.monotonic())
        shards = [shard for state in launches for shard in read_streams(redis, state).shards]
        return sum(shard.captures.length + shard.replays.length for shard in shards)


def _say_nothing(_left: ExchangesInProgress) -> None:
    """Hear what is left, and keep it to oneself."""


@contextlib.contextmanager
def _signals() -> Generator[threading.Event]:
    """Set an event at the first SIGINT or SIGTERM, raise StopNow at the second."""
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise StopNow
        stop.set()

    with handle_stop_signals(handle):
        yield stop

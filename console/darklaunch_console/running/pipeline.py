"""The whole pipeline under one parent: workers and comparators on given or embedded servers, until a signal."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from types import FrameType
from typing import Final

from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.process.shutdown import handle_stop_signals
from darklaunch_shared.process.supervisor import SupervisedProcess, stop_all

from darklaunch_console.embedded import EmbeddedServers, embedded_servers
from darklaunch_console.errors import ServerUnreachable
from darklaunch_console.launches.drain import wait_until_drained
from darklaunch_console.output.screen import GOOD, STRONG, print_line
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import FROM_UP, ConsoleSettings, ServerAddress
from darklaunch_console.stores.postgres import name_postgres, name_redis, open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers
from darklaunch_console.stores.streams import read_published_launches, read_streams

from .database import adopt_redis, migrate_database
from .keep_server import ServerKeeper
from .redis_check import refuse_evicting_redis

WATCH_EVERY_S: Final = 0.2
READY_LIMIT_S: Final = 30.0
WORKERS_STOP_S: Final = 20.0
COMPARATORS_STOP_S: Final = 15.0
DASHBOARD_STOP_S: Final = 5.0

log = logging.getLogger("darklaunch.console")


class StopNow(BaseException):
    """Raised by the second signal, which ends everything without waiting."""


def run_pipeline(
    settings: ConsoleSettings, *, workers: int, comparators: int, drain_s: float, dashboard_port: int | None = None
) -> None:
    """Run everything until SIGINT or SIGTERM, then drain for up to `drain_s` seconds and stop in order.

    The dashboard is served at `dashboard_port`, or a free one if that is taken; with None it is not.

    Servers that no URL names are started. Raises StopNow at a second signal, and ConsoleError when a server cannot be
    used or ends again and again.
    """
    named = ConsoleSettings(_ignore_up(settings.redis), _ignore_up(settings.database))
    with (
        _catch_stop_signals() as is_stopping,
        embedded_servers(
            keep=True,
            redis_url=named.redis.url if named.redis else None,
            postgres_url=named.database.url if named.database else None,
        ) as servers,
    ):
        redis = named.redis or ServerAddress(servers.redis_url, FROM_UP)
        database = named.database or ServerAddress(servers.postgres_url, FROM_UP)
        used = ConsoleSettings(redis, database)
        refuse_evicting_redis(used)
        migrate_database(used)
        if not named.redis:
            adopt_redis(used)  # `up` starts it on any port, for this database or the one that is named
        log.info("Redis and Postgres are there; starting workers and comparators")
        parts = [
            *(_make_part("comparator", number, redis, database) for number in range(1, comparators + 1)),
            *(_make_part("worker", number, redis, database) for number in range(1, workers + 1)),
        ]
        greeting = _describe_pipeline(servers, redis, database, workers, comparators)
        if dashboard_port is not None:
            port = find_port(dashboard_port)
            parts.append(_make_part("dashboard", port, redis, database))
            greeting[-1:-1] = [(f"To look at it in a browser: http://127.0.0.1:{port}/", STRONG)]
        try:
            _watch(parts, servers, used, is_stopping, greeting)
            print_line("Stopping: exchanges in progress are finished first. Ctrl-C again stops at once.")
            _drain(used, drain_s)
            stop_all([part for part in parts if part.name.startswith("worker-")], WORKERS_STOP_S)
            stop_all([part for part in parts if part.name.startswith("comparator-")], COMPARATORS_STOP_S)
            stop_all([part for part in parts if part.name.startswith("dashboard-")], DASHBOARD_STOP_S)
        finally:
            stop_all(parts, 0.0)


def find_port(wanted: int) -> int:
    """Return a port of this machine that can be listened on: the one that is wanted, or else any."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as listener:
            return int(listener.getsockname()[1])
    return wanted


def _ignore_up(address: ServerAddress | None) -> ServerAddress | None:
    """Leave out the servers of another `up`: starting ours then fails, with an error that names that run."""
    return address if address and address.source != FROM_UP else None


def _make_part(kind: str, number: int, redis: ServerAddress, database: ServerAddress) -> SupervisedProcess:
    options = ("--port", str(number), "--quiet") if kind == "dashboard" else ("--name", f"{kind}-{number}")
    return SupervisedProcess(
        name=f"{kind}-{number}",
        command=(sys.executable, "-m", "darklaunch_console", kind, *options),
        environment={
            "DARKLAUNCH_REDIS_URL": redis.url,
            "DARKLAUNCH_DATABASE_URL": database.url,
            "DARKLAUNCH_WORKER_PARENT": str(os.getpid()),
            "DARKLAUNCH_COMPARATOR_PARENT": str(os.getpid()),
            "DARKLAUNCH_DASHBOARD_PARENT": str(os.getpid()),
        },
    )


def _watch(
    parts: Sequence[SupervisedProcess],
    servers: EmbeddedServers,
    settings: ConsoleSettings,
    is_stopping: Callable[[], bool],
    greeting: Sequence[tuple[str, str]],
) -> None:
    """Keep the parts running until a signal asks to stop; print the greeting once they are ready, or after 30 s."""
    keepers = [ServerKeeper(server) for server in servers.processes]
    consumers = sum(not part.name.startswith("dashboard-") for part in parts)
    greeted = False
    began_s = time.monotonic()
    while not is_stopping():
        time.sleep(WATCH_EVERY_S)
        for part in parts:
            part.watch()
        for keeper in keepers:
            keeper.watch()
        if not greeted and (_are_ready(settings, consumers) or time.monotonic() - began_s > READY_LIMIT_S):
            greeted = True
            for line, style in greeting:
                print_line(line, style=style)


def _are_ready(settings: ConsoleSettings, parts: int) -> bool:
    try:
        with open_redis(settings) as redis:
            return len(list_live_workers(redis)) + len(list_live_comparators(redis)) >= parts
    except ServerUnreachable:
        return False


def _describe_pipeline(
    servers: EmbeddedServers, redis: ServerAddress, database: ServerAddress, workers: int, comparators: int
) -> list[tuple[str, str]]:
    """Return the lines, each with its style, that say what runs and how to use it."""
    parts = f"{format_plural(workers, 'worker')} and {format_plural(comparators, 'comparator')}"
    lines = [(f"darklaunch is up: {parts}, {name_redis(redis)}, {name_postgres(database)}.", GOOD)]
    if redis.source == FROM_UP:
        lines += [
            ("In the environment of your app with the hook:", ""),
            (f"  export DARKLAUNCH_REDIS_URL={redis.url}", STRONG),
            ("To look at the streams, as with redis-cli:", ""),
            ("  darklaunch redis-cli XLEN '{dl:NAME:0}:captures'", ""),
        ]
    if database.source == FROM_UP:
        lines += [("To query the results with psql:", ""), (f"  psql {database.url}", "")]
    if servers.processes:
        lines.append((f"Their data is kept in {servers.processes[0].log_path.parent}.", ""))
    return [*lines, ("Next, in another terminal: darklaunch start NAME --shadow http://HOST:PORT", "")]


def _drain(settings: ConsoleSettings, limit_s: float) -> None:
    """Wait until what was sampled has an outcome; print how much is left for the next run."""
    until_s = time.monotonic() + limit_s
    try:
        with open_redis(settings) as redis:
            launches = [
                state for state in read_published_launches(redis).values() if state.status is not LaunchStatus.PAUSED
            ]
            for state in launches:
                read = partial(read_streams, redis, state)
                wait_until_drained(read, lambda _progress: None, until_s - time.monotonic())
            shards = [shard for state in launches for shard in read_streams(redis, state).shards]
    except ServerUnreachable as unreachable:
        log.warning("%s", unreachable)
        return
    if left := sum(shard.captures.length + shard.replays.length for shard in shards):
        print_line(f"{format_plural(left, 'exchange')} left for the next run.")


@contextlib.contextmanager
def _catch_stop_signals() -> Generator[Callable[[], bool]]:
    """Return a function that is True after the first SIGINT or SIGTERM; raise StopNow at the second."""
    signals: list[int] = []  # no threading.Event: the handler may interrupt a wait that holds the event's lock

    def handle(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 1:
            raise StopNow

    with handle_stop_signals(handle):
        yield lambda: bool(signals)

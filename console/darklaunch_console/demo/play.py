"""The demo, act by act: a shop, its next release beside it, visitors, and what was found."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psycopg
from darklaunch_comparator.publish import publish
from darklaunch_comparator.store import read
from darklaunch_comparator.store.launches import Act, create_launch
from darklaunch_comparator.store.migrate import migrate
from darklaunch_shared.connect import connect
from darklaunch_shared.launch import LaunchSpec

from darklaunch_console.acting.control import actor
from darklaunch_console.alive import hooks_alive
from darklaunch_console.embedded import Servers
from darklaunch_console.errors import ConsoleError
from darklaunch_console.reading.evidence import Evidence, gather

from .cast import Player, address, on_stage
from .load import Progress, Summary, run_load
from .shop.database import build_shop
from .story import LAUNCH
from .traffic import Visit, plan_visits

VISITS: Final = 1500
RATE_PER_S: Final = 75.0
SETTLE_S: Final = 30.0
_SHOP: Final = "darklaunch_console.demo.shop"
_CONSOLE: Final = "darklaunch_console"


@dataclass(frozen=True, slots=True)
class Played:
    """What came out: the evidence, what the shop's users saw, and how long it took from curtain to curtain."""

    evidence: Evidence
    users: Summary
    took_s: float


@dataclass(frozen=True, slots=True)
class Narrator:
    """Tells the audience what happens: `say` a line for each step, `show` the progress of the load."""

    say: Callable[[str], None]
    show: Callable[[Progress, read.Ledger], None]


def play(servers: Servers, directory: Path, tell: Narrator) -> Played:
    """Play the demo on two stores, with files in a directory. Raises ConsoleError when a process fails."""
    began = time.monotonic()
    migrate(servers.postgres_url)
    shop = build_shop(directory / "shop")
    tell.say(f"A shop with {shop.size.orders:,} orders in SQLite is built, and the database of its next release, v2.")
    environment = {"DARKLAUNCH_REDIS_URL": servers.redis_url, "DARKLAUNCH_DATABASE_URL": servers.postgres_url}
    with contextlib.ExitStack() as stack:

        def start(name: str, module: str, *arguments: str) -> Player:
            return stack.enter_context(on_stage(name, module, *arguments, logs=directory, environment=environment))

        database = str(directory / "shop")
        shadow = start("shadow", _SHOP, "--version", "v2", "--database", database)
        control = start("control", _SHOP, "--version", "v1", "--database", database)
        worker = start("worker", _CONSOLE, "worker")
        comparator = start("comparator", _CONSOLE, "comparator")
        primary = start("primary", _SHOP, "--version", "v1", "--database", database)
        users_see, spec = address(primary), LaunchSpec(address(shadow), control=address(control))
        for shop_address in (users_see, spec.shadow, spec.control):
            httpx.get(f"{shop_address}/health", timeout=10)  # whatever a first request sets up is no user's wait
        tell.say(
            f"v1 serves users at {users_see}, with the capture hook. v2 runs beside it at {spec.shadow}, and a second "
            f"v1 at {spec.control}: what two v1 do not share is noise."
        )
        _begin_launch(servers, spec)
        tell.say(f"Launch {LAUNCH}: every read is mirrored, to show all in half a minute (the default is 10 %).")
        players = (primary, shadow, control, worker, comparator)
        users = _visit(servers, users_see, tell, players, plan_visits(shop, VISITS))
        primary.stop()  # its hook hands over what it still has
        _settle(servers, tell, users)
        with psycopg.connect(servers.postgres_url) as connection:
            evidence = gather(connection, LAUNCH)
    return Played(evidence, users, time.monotonic() - began)


def _begin_launch(servers: Servers, spec: LaunchSpec) -> None:
    redis = connect(servers.redis_url, client_name="darklaunch-demo")
    try:
        with psycopg.connect(servers.postgres_url) as connection:
            record = create_launch(connection, LAUNCH, spec, Act(actor(), "started", "the demo"), percent=100.0)
        publish(redis, record, lift_hold=False)
        _wait(lambda: bool(hooks_alive(redis)), 10.0, "the hook in v1 was not seen on Redis")
        time.sleep(1.0)  # the hook looks for new launches twice a second
    finally:
        redis.close()


def _visit(
    servers: Servers, origin: str, tell: Narrator, players: tuple[Player, ...], visits: Sequence[Visit]
) -> Summary:
    seen: list[Progress] = []
    with ThreadPoolExecutor(1) as pool, psycopg.connect(servers.postgres_url, autocommit=True) as connection:
        load: Future[Summary] = pool.submit(asyncio.run, run_load(origin, visits, RATE_PER_S, seen.append))
        while not load.done():
            for player in players:
                player.check()
            if seen:
                tell.show(seen[-1], read.ledger(connection, LAUNCH))
            time.sleep(0.25)
        return load.result()


def _settle(servers: Servers, tell: Narrator, users: Summary) -> None:
    with psycopg.connect(servers.postgres_url, autocommit=True) as connection:

        def settled() -> bool:
            closed = _closed(connection)  # first: what closes may bring a last count
            ledger = read.ledger(connection, LAUNCH)
            answered = users.ok + users.errors
            tell.show(Progress(users.sent, users.sent, users.ok, users.errors, users.latencies.p50_ms, 0.0), ledger)
            return bool(ledger.sampled) and ledger.on_its_way == 0 and answered > 0 and closed

        _wait(settled, SETTLE_S, "what was mirrored did not settle")


def _closed(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute(
        "SELECT bool_and(closed) FROM darklaunch.producer WHERE launch = %s AND sampled > 0", (LAUNCH,)
    ).fetchone()
    return bool(row and row[0])


def _wait(done: Callable[[], bool], within_s: float, otherwise: str) -> None:
    until = time.monotonic() + within_s
    while not done():
        if time.monotonic() > until:
            raise ConsoleError(f"{otherwise} within {within_s:g} s. This machine may be too busy: try again")
        time.sleep(0.2)

"""The stage of the demo: the shop as its users see it, the pipeline beside it, and the waits between the scenes."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psycopg
from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_comparator.store.migrate import migrate
from darklaunch_comparator.store.producers import all_producers_closed
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import connect

from darklaunch_console.embedded import EmbeddedServers
from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import current_actor
from darklaunch_console.stores.processes import list_live_hooks

from .load import LoadProgress, LoadSummary, run_load
from .processes import DemoProcess, run_process, wait_for_address
from .shop.database import Shop, build_shop
from .traffic import Visit

SETTLE_S: Final = 60.0
JUDGE_GRACE_S: Final = 2.0
"""The pipeline runs on one machine and is quick: what was captured two seconds ago is recorded or on a stream."""
_SHOP: Final = "darklaunch_console.demo.shop"
_CONSOLE: Final = "darklaunch_console"


@dataclass(frozen=True, slots=True)
class DemoNarrator:
    """Tells the audience what happens: `say` a line for each step, `show` the progress of the load."""

    say: Callable[[str], None]
    show: Callable[[LoadProgress, report_queries.LaunchLedger], None]


@dataclass(slots=True)
class DemoStage:
    """What both acts play on. `players` are those whose end would be the end of the play."""

    servers: EmbeddedServers
    directory: Path
    shop: Shop
    stack: contextlib.ExitStack
    control: str = ""
    players: dict[str, DemoProcess] = field(default_factory=dict[str, DemoProcess])

    def enter(self, name: str, module: str, *arguments: str) -> None:
        """Start a process of the demo."""
        environment = {
            "DARKLAUNCH_REDIS_URL": self.servers.redis_url,
            "DARKLAUNCH_DATABASE_URL": self.servers.postgres_url,
            "DARKLAUNCH_JUDGE_GRACE_S": f"{JUDGE_GRACE_S:g}",
        }
        playing = run_process(name, module, *arguments, logs=self.directory, environment=environment)
        self.players[name] = self.stack.enter_context(playing)

    def enter_shop(self, name: str, version: str) -> None:
        """Start a shop of a version, on the one database."""
        self.enter(name, _SHOP, "--version", version, "--database", str(self.directory / "shop"))

    def leave(self, name: str) -> None:
        """End a process: a shop's hook hands over what it still has."""
        self.players.pop(name).stop()

    def opened(self, name: str) -> str:
        """Give a shop's address when it answers. Raises ConsoleError when it does not."""
        found = wait_for_address(self.players[name])
        httpx.get(f"{found}/health", timeout=20)  # whatever a first request sets up is no user's wait
        return found

    def begin(self, launch: str, shadow: str, percent: float, policy: JudgePolicy) -> None:
        """Start a launch as `darklaunch start` does, and wait until the shop's hook knows of it."""
        spec = LaunchSpec(shadow, control=self.control, policy=dump_policy_json(policy))
        redis = connect(self.servers.redis_url, client_name="darklaunch-demo")
        try:
            with psycopg.connect(self.servers.postgres_url) as connection:
                record = create_launch(
                    connection, launch, spec, LaunchAct(current_actor(), "started", "the demo"), percent=percent
                )
            publish_launch(redis, record, lift_hold=False)
            wait_until(lambda: bool(list_live_hooks(redis)), 30.0, "the hook in v1 was not seen on Redis")
            time.sleep(1.0)  # the hook looks for new launches twice a second
        finally:
            redis.close()

    def visit(
        self,
        launch: str,
        origin: str,
        visits: Sequence[Visit],
        per_s: float,
        tell: DemoNarrator,
        over: Callable[[psycopg.Connection[tuple[object, ...]]], bool] = lambda _connection: False,
    ) -> LoadSummary:
        """Send visitors until all were there, or until it is `over`, which is asked four times a second."""
        seen: list[LoadProgress] = []
        enough = threading.Event()
        with ThreadPoolExecutor(1) as pool, psycopg.connect(self.servers.postgres_url, autocommit=True) as connection:
            load: Future[LoadSummary] = pool.submit(
                asyncio.run, run_load(origin, visits, per_s, seen.append, enough=enough.is_set)
            )
            try:
                while not load.done():
                    for player in self.players.values():
                        player.check()
                    if seen:
                        tell.show(seen[-1], report_queries.read_launch_ledger(connection, launch))
                    if over(connection):
                        break
                    time.sleep(0.25)
            finally:
                enough.set()
            return load.result()

    def settle(self, launch: str, tell: DemoNarrator, users: LoadSummary) -> None:
        """Wait until everything sampled has an outcome; the shop's hook must have ended."""
        with psycopg.connect(self.servers.postgres_url, autocommit=True) as connection:

            def settled() -> bool:
                closed = all_producers_closed(connection, launch)  # first: what closes may bring a last count
                ledger = report_queries.read_launch_ledger(connection, launch)
                tell.show(
                    LoadProgress(users.sent, users.sent, users.ok, users.errors, users.latencies.p50_ms, 0.0), ledger
                )
                return bool(ledger.sampled) and ledger.on_its_way == 0 and users.ok + users.errors > 0 and closed

            wait_until(settled, SETTLE_S, "what was mirrored did not settle")


@contextlib.contextmanager
def open_stage(servers: EmbeddedServers, directory: Path, tell: DemoNarrator) -> Generator[DemoStage]:
    """Build the shop and start the pipeline and a second v1, the control; everything has ended behind the block."""
    migrate(servers.postgres_url)
    shop = build_shop(directory / "shop")
    tell.say(f"A shop with {shop.size.orders:,} orders in SQLite is built, and the database of its next release, v2.")
    with contextlib.ExitStack() as stack:
        stage = DemoStage(servers, directory, shop, stack)
        stage.enter_shop("v2", "v2")
        stage.enter_shop("control", "v1")
        stage.enter("worker", _CONSOLE, "worker")
        stage.enter("comparator", _CONSOLE, "comparator")
        stage.enter_shop("v1", "v1")
        stage.control = stage.opened("control")
        yield stage


def wait_until(done: Callable[[], bool], within_s: float, otherwise: str) -> None:
    """Wait for something. Raises ConsoleError when it does not happen in time."""
    until = time.monotonic() + within_s
    while not done():
        if time.monotonic() > until:
            raise ConsoleError(f"{otherwise} within {within_s:g} s. This machine may be too busy: try again")
        time.sleep(0.2)

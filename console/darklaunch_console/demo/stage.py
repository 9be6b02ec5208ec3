"""What both acts of the demo run on: the shop's releases, a worker, a comparator, and visitors."""

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
from urllib.parse import urlsplit

import httpx
import psycopg
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_comparator.store.migrate import migrate
from darklaunch_comparator.store.producers import all_producers_closed
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import connect
from darklaunch_shared.redis.publish import publish_launch

from darklaunch_console.embedded import EmbeddedServers
from darklaunch_console.errors import ConsoleError
from darklaunch_console.launches.change import current_actor
from darklaunch_console.stores.processes import list_live_hooks

from .load import LoadProgress, LoadSummary, run_load
from .narrator import DemoNarrator
from .processes import DemoProcess, run_process, wait_for_address
from .shop.database import Shop, build_shop
from .traffic import Visit

OUTCOMES_S: Final = 60.0
JUDGE_GRACE_S: Final = 2.0
"""The pipeline runs on one machine and is quick: what was captured two seconds ago is recorded or on a stream."""
_SHOP: Final = "darklaunch_console.demo.shop"
_CONSOLE: Final = "darklaunch_console"

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(slots=True)
class DemoStage:
    """The running parts of the demo; the end of one of `processes` is the end of the demo."""

    servers: EmbeddedServers
    directory: Path
    shop: Shop
    stack: contextlib.ExitStack
    baseline: str = ""
    processes: dict[str, DemoProcess] = field(default_factory=dict[str, DemoProcess])

    def start_process(self, name: str, module: str, *arguments: str) -> None:
        """Start a process of the demo."""
        environment = {
            "DARKLAUNCH_REDIS_URL": self.servers.redis_url,
            "DARKLAUNCH_DATABASE_URL": self.servers.postgres_url,
            "DARKLAUNCH_JUDGE_GRACE_S": f"{JUDGE_GRACE_S:g}",
        }
        process = run_process(name, module, *arguments, logs=self.directory, environment=environment)
        self.processes[name] = self.stack.enter_context(process)

    def start_shop(self, name: str, version: str, port: int = 0) -> None:
        """Start a release of the shop; port 0 takes a free one."""
        database = str(self.directory / "shop")
        self.start_process(name, _SHOP, "--version", version, "--database", database, "--port", str(port))

    def restart_shop(self, version: str) -> None:
        """Stop a shop, whose hook then writes what it still has, and start it again at the same address."""
        port = urlsplit(wait_for_address(self.processes[version])).port or 0
        self.processes.pop(version).stop()
        self.start_shop(version, version, port)

    def open_shop(self, name: str) -> str:
        """Wait for a shop and return its address. Raises ConsoleError when it does not start."""
        address = wait_for_address(self.processes[name])
        httpx.get(f"{address}/health", timeout=20)  # what a first request sets up must not count as a user's wait
        return address

    def start_launch(self, launch: str, shadow: str, percent: float, policy: JudgePolicy) -> None:
        """Start a launch as `darklaunch start` does, and wait until the shop's hook knows of it."""
        spec = LaunchSpec(shadow, control=self.baseline, policy=dump_policy_json(policy))
        act = LaunchAct(current_actor(), "started", "the demo")
        redis = connect(self.servers.redis_url, client_name="darklaunch-demo")
        try:
            with psycopg.connect(self.servers.postgres_url) as connection:
                record = create_launch(connection, launch, spec, act, percent=percent)
            publish_launch(redis, record.state, lift_hold=False)
            wait_until(lambda: bool(list_live_hooks(redis)), 30.0, "the hook in v1 was not seen on Redis")
            time.sleep(1.0)  # the hook looks for new launches twice a second
        finally:
            redis.close()

    def send_visitors(
        self,
        launch: str,
        origin: str,
        visits: Sequence[Visit],
        per_s: float,
        narrator: DemoNarrator,
        is_over: Callable[[Connection], bool] = lambda _connection: False,
    ) -> LoadSummary:
        """Send visitors until all were served, or until `is_over`, which is called four times a second."""
        reports: list[LoadProgress] = []
        enough = threading.Event()
        with ThreadPoolExecutor(1) as pool, psycopg.connect(self.servers.postgres_url, autocommit=True) as connection:
            load: Future[LoadSummary] = pool.submit(
                asyncio.run, run_load(origin, visits, per_s, reports.append, enough=enough.is_set)
            )
            try:
                while not load.done():
                    self.check()
                    if reports:
                        narrator.show_progress(reports[-1], report_queries.read_launch_ledger(connection, launch))
                    if is_over(connection):
                        break
                    time.sleep(0.25)
            finally:
                enough.set()
            return load.result()

    def wait_for_outcomes(self, launch: str, narrator: DemoNarrator, users: LoadSummary) -> None:
        """Wait until every sampled exchange has an outcome; the hook that sampled them must have ended."""
        progress = LoadProgress(users.sent, users.sent, users.ok, users.errors, users.latencies.p50_ms, 0.0)
        with psycopg.connect(self.servers.postgres_url, autocommit=True) as connection:

            def are_recorded() -> bool:
                closed = all_producers_closed(connection, launch)  # first: a hook that ends may still add to the ledger
                ledger = report_queries.read_launch_ledger(connection, launch)
                narrator.show_progress(progress, ledger)
                return bool(ledger.sampled) and ledger.on_its_way == 0 and users.ok + users.errors > 0 and closed

            wait_until(are_recorded, OUTCOMES_S, "not every mirrored request got an outcome")

    def check(self) -> None:
        """Raise ConsoleError with the end of its log if a process of the demo has ended."""
        for process in self.processes.values():
            process.check()


@contextlib.contextmanager
def open_stage(servers: EmbeddedServers, directory: Path) -> Generator[DemoStage]:
    """Build the shop, start the pipeline, v1, v2, and a second v1 as the baseline; stop all at the end."""
    migrate(servers.postgres_url)
    shop = build_shop(directory / "shop")
    with contextlib.ExitStack() as stack:
        stage = DemoStage(servers, directory, shop, stack)
        stage.start_shop("v2", "v2")
        stage.start_shop("baseline", "v1")
        stage.start_process("worker", _CONSOLE, "worker")
        stage.start_process("comparator", _CONSOLE, "comparator")
        stage.start_shop("v1", "v1")
        stage.baseline = stage.open_shop("baseline")
        yield stage


def wait_until(is_done: Callable[[], bool], limit_s: float, problem: str) -> None:
    """Wait until something is done. Raises ConsoleError with the problem after `limit_s` seconds."""
    until_s = time.monotonic() + limit_s
    while not is_done():
        if time.monotonic() > until_s:
            raise ConsoleError(f"{problem} within {limit_s:g} s. This machine may be too busy: try again")
        time.sleep(0.2)

"""The pipeline all rows share, each process a real one: Redis, Postgres, a worker and a comparator that judges."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
from click.testing import Result
from darklaunch_console.demo.processes import DemoProcess, run_process, wait_for_address
from darklaunch_console.stores.processes import list_live_comparators, list_live_hooks, list_live_workers
from darklaunch_shared.redis.client import RedisClient, connect

from tests.support.cli import Cli

from .release import ServedRelease

ROOT = Path(__file__).parents[2]
START_S: Final = 60.0
JUDGE_GRACE_S: Final = 2.0
Connection = psycopg.Connection[tuple[object, ...]]
ONE_WRITER: Final = threading.Lock()
"""Held while a command runs in this process, which takes over its standard output, and while anything is printed."""


@dataclass(slots=True)
class Stage:
    """The servers and what runs on them. Nothing of a row is shared with another row but these."""

    redis_url: str
    dsn: str
    directory: Path
    exits: ExitStack
    redis: RedisClient = field(init=False)

    def __post_init__(self) -> None:
        self.redis = connect(self.redis_url, client_name="darklaunch-test")
        self.exits.callback(self.redis.close)

    def start_process(self, exits: ExitStack, name: str, module: str, *arguments: str) -> DemoProcess:
        """Start a process that ends with `exits`."""
        environment = {
            "DARKLAUNCH_REDIS_URL": self.redis_url if module == "darklaunch_console" else "",
            "DARKLAUNCH_DATABASE_URL": self.dsn,
            "DARKLAUNCH_JUDGE_GRACE_S": f"{JUDGE_GRACE_S:g}",
            "PYTHONPATH": str(ROOT),
        }
        process = run_process(name, module, *arguments, logs=self.directory, environment=environment)
        return exits.enter_context(process)

    def serve(self, exits: ExitStack, name: str, served: ServedRelease) -> tuple[DemoProcess, str]:
        """Start a release of the shop; return its process and its address."""
        process = self.start_process(exits, name, "tests.verdicts.serve", served.dump())
        return process, wait_for_address(process, START_S)

    def sees_app(self, app_name: str) -> bool:
        """True once the hook of an app is seen on Redis."""
        return any(hook.about.get("app") == app_name for hook in list_live_hooks(self.redis))

    def run_command(self, *arguments: str) -> Result:
        """Run a command of darklaunch."""
        with ONE_WRITER:
            return Cli(self.redis_url, self.dsn, str(self.directory)).run(*arguments)

    def connect(self) -> Connection:
        """Return a connection to Postgres."""
        return psycopg.connect(self.dsn, autocommit=True)


@contextlib.contextmanager
def open_stage(redis_url: str, dsn: str, directory: Path) -> Generator[Stage]:
    """Start a worker and a comparator on servers; the database has the schema already."""
    with ExitStack() as exits:
        stage = Stage(redis_url, dsn, directory, exits)
        stage.start_process(exits, "worker", "darklaunch_console", "worker")
        stage.start_process(exits, "comparator", "darklaunch_console", "comparator")
        deadline_s = time.monotonic() + START_S
        while not (list_live_workers(stage.redis) and list_live_comparators(stage.redis)):
            assert time.monotonic() < deadline_s, "worker and comparator did not start"
            time.sleep(0.05)
        yield stage


@contextlib.contextmanager
def keep_busy(processes: int) -> Generator[None]:
    """Run processes that take all the processor time they get."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


async def wait_until(holds: Callable[[], Awaitable[bool] | bool], limit_s: float, problem: str) -> None:
    """Wait until something holds, which is asked in a thread. Raises AssertionError after `limit_s`."""
    deadline_s = time.monotonic() + limit_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline_s, f"{problem} within {limit_s:g} s"
        await asyncio.sleep(0.1)

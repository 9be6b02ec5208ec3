"""Measure the whole pipeline with live capture on one machine: exchanges a second from a user's request to its row.

    python -m bench.pipeline [--rounds 5] [--seconds 6] [--concurrency 16]

A Starlette app on uvicorn carries the hook and answers 2 kB of JSON; every request is sampled, replayed to a shadow
that answers at once (one answer in a hundred differs in one leaf), compared, and recorded in Postgres: app, Valkey,
worker, comparator, Postgres, shadow and load all share the machine's cores. The clock runs from the first request until
every exchange has its row. In every round the same machine first runs the product's fast HTTP client alone, sending the
same requests to the same shadow: the rate that the pipeline is held against. CPU is of each part's processes; bytes in
Redis are what a waiting exchange takes there.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from darklaunch_comparator.store.launches import LaunchAct, create_launch, update_launch
from darklaunch_comparator.store.migrate import migrate
from darklaunch_comparator.store.report_queries import read_launch_ledger
from darklaunch_console.embedded import EmbeddedServers, embedded_servers
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchStatus
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.publish import publish_launch

from .hook_call import BODY
from .servers import SERVE, child

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SETTLE_LIMIT_S = 300.0
PARTS = ("app with the hook", "Valkey", "worker", "comparator", "Postgres", "shadow", "load")


@dataclass
class Round:
    """One round: rates of the pipeline and of the raw client, and CPU µs an exchange by part."""

    exchanges: int
    per_s: float
    raw_per_s: float
    bytes_in_redis: float
    cpu_us: dict[str, float] = field(default_factory=dict)


class Stage:
    """Everything that runs; `pids` are the roots of each part's processes."""

    def __init__(self, running: ExitStack, servers: EmbeddedServers) -> None:
        self.servers = servers
        self.redis: RedisClient = connect(servers.redis_url, client_name="darklaunch-bench")
        self._logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="darklaunch-bench-")))
        self._running = running
        names = {process.name.lower(): process.pid for process in servers.processes}
        self.pids = {part: next((pid for name, pid in names.items() if part.lower() in name), 0) for part in PARTS}
        app = self._start("app with the hook", [*SERVE, "hook"], DARKLAUNCH_REDIS_URL=servers.redis_url)
        shadow = self._start("shadow", [*SERVE, "almost"])
        assert app.stdout
        assert shadow.stdout
        self.app_port = int(app.stdout.readline())
        self.shadow_port = int(shadow.stdout.readline())
        urls = {"REDIS_URL": servers.redis_url, "DATABASE_URL": servers.postgres_url}
        for part in ("worker", "comparator"):
            self._start(part, [sys.executable, "-m", "darklaunch_console", part], **urls)

    def launch(self, name: str) -> None:
        """Start a launch that samples everything, and wait until the hook and the worker know it."""
        spec = LaunchSpec(f"http://127.0.0.1:{self.shadow_port}", max_entries=2_000_000, noise_percent=0.0)
        with psycopg.connect(self.servers.postgres_url) as connection:
            record = create_launch(connection, name, spec, LaunchAct("bench", "started"), percent=100.0)
        publish_launch(self.redis, record.state, lift_hold=False)
        time.sleep(2.5)

    def end(self, name: str) -> None:
        """Take a launch out of the way of the next."""
        with psycopg.connect(self.servers.postgres_url) as connection:
            record = update_launch(connection, name, LaunchAct("bench", "paused"), status=LaunchStatus.PAUSED)
        publish_launch(self.redis, record.state, lift_hold=False)
        time.sleep(1.5)

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds that each part's processes have used so far."""
        parents = _parents()
        return {part: sum(map(_cpu_s, _tree(pid, parents))) for part, pid in self.pids.items() if pid}

    def rss_bytes(self, part: str) -> int:
        """Return the resident memory of a part's processes; what they share counts for each of them."""
        return sum(_rss_bytes(pid) for pid in _tree(self.pids[part], _parents()))

    def _start(self, part: str, command: list[str], **environ: str) -> subprocess.Popen[str]:
        process = self._running.enter_context(child(command, environ, self._logs / f"{part.split()[0]}.log"))
        self.pids[part] = process.pid
        return process


def measure(stage: Stage, number: int, seconds: float, concurrency: int) -> Round:
    """Run the raw client alone, then the pipeline, once each."""
    raw = _run("bench.http_clients", "--client", "fast", "--port", stage.shadow_port, "--requests", 20_000)
    name = f"bench-{number}"
    stage.launch(name)
    began_s, before = time.monotonic(), stage.cpu_s()
    load = _run_with_cpu(
        ["--port", stage.app_port, "--seconds", seconds, "--concurrency", concurrency, "--body-bytes", len(BODY)]
    )
    waiting = int(stage.redis.execute_command("XLEN", keys.captures(name)))
    held = stage.redis.execute_command("MEMORY", "USAGE", keys.captures(name), "SAMPLES", 0) if waiting else 0
    settled = _settle(stage, name)
    took_s, after = time.monotonic() - began_s, stage.cpu_s()
    stage.end(name)
    cpu_us = {part: (after[part] - before[part]) / settled * 1e6 for part in before}
    cpu_us["load"] = load["cpu_s"] / settled * 1e6
    return Round(settled, settled / took_s, float(raw[0]), held / waiting if waiting else 0.0, cpu_us)


def main(rounds: int, seconds: float, concurrency: int) -> None:
    with ExitStack() as running, embedded_servers(keep=False) as servers:
        migrate(servers.postgres_url)
        stage = Stage(running, servers)
        found = [measure(stage, number, seconds, concurrency) for number in range(rounds)]
        running.close()
    share = statistics.median(one.per_s / one.raw_per_s for one in found)
    print(
        f"whole pipeline, live capture   {rounds} rounds of {seconds:g} s, "
        f"concurrency {concurrency}, {os.cpu_count()} cores"
    )
    print(f"  exchanges/s                {statistics.median(one.per_s for one in found):10,.0f}")
    print(f"  raw client alone, req/s    {statistics.median(one.raw_per_s for one in found):10,.0f}")
    print(f"  pipeline of raw client     {share:10.2f}")
    print(f"  exchanges in a round       {statistics.median(one.exchanges for one in found):10,.0f}")
    print(f"  bytes in Redis, each       {statistics.median(one.bytes_in_redis for one in found):10,.0f}")
    for part in PARTS:
        spent = [one.cpu_us[part] for one in found if part in one.cpu_us]
        if spent:
            print(f"  CPU µs each, {part:18}{statistics.median(spent):6,.0f}")


def _settle(stage: Stage, name: str) -> int:
    until_s = time.monotonic() + SETTLE_LIMIT_S
    with psycopg.connect(stage.servers.postgres_url, autocommit=True) as connection:
        while time.monotonic() < until_s:
            left = sum(int(stage.redis.execute_command("XLEN", key(name))) for key in (keys.captures, keys.replays))
            seen = read_launch_ledger(connection, name)
            if not left and seen.sampled and not seen.on_its_way:
                return seen.settled
            time.sleep(0.1)
    raise SystemExit(f"the pipeline did not settle within {SETTLE_LIMIT_S:g} s: {seen}")


def _run(module: str, *arguments: object) -> list[float]:
    command = [sys.executable, "-W", "ignore", "-m", module, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)


def _run_with_cpu(arguments: list[object]) -> dict[str, float]:
    before = os.times()
    command = [sys.executable, "-m", "bench.load", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if ran.returncode:
        raise SystemExit(ran.stderr.strip().splitlines()[-1])
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    return {**json.loads(ran.stdout), "cpu_s": spent_s}


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    return found


def _tree(root: int, parents: dict[int, int]) -> list[int]:
    """List a process and everything below it."""
    found: list[int] = []
    for pid in parents:
        above = pid
        while above not in (root, 0, 1):
            above = parents.get(above, 0)
        if above == root:
            found.append(pid)
    return found


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process and of those of its children that have ended; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) * TICK_S


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--concurrency", type=int, default=16)
    given = parser.parse_args()
    main(given.rounds, min(given.seconds, 60.0), given.concurrency)

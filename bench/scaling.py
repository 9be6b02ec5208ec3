"""Measure what grows with the backlog, and what a second worker process brings.

    python -m bench.scaling [--rounds 5] [--sizes 1000,10000,100000,1000000]

The stream of captures is filled to each size in turn with small exchanges. At each size, rounds of 1,000 exchanges are
read, finished and filled up again with the product's own consumer; then come a claim pass, which finds nothing to claim
with all of them unread, and `darklaunch audit`, less what starting a command costs. What is flat costs the same at
every size; an audit counts every entry. Afterwards one and two worker processes take turns replaying 10,000 exchanges
of the same stream against a shadow that answers at once; Valkey and the shadow share the machine with them, so a factor
near two needs more than two cores.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
from darklaunch_comparator.store.launches import LaunchAct, create_launch, update_launch
from darklaunch_comparator.store.migrate import migrate
from darklaunch_console.embedded import EmbeddedServers, embedded_servers
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchStatus
from darklaunch_shared.redis.client import RedisClient, connect, connect_async
from darklaunch_shared.redis.consumer import FinishedEntry, GroupConsumer, worker_streams
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, ScriptCaller, call_script
from darklaunch_shared.redis.script_queue import ScriptQueue
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import pair_fields

from tests.support.pack_exchange import pack_exchange

from .servers import SERVE, child

LAUNCH = "bench"
TURN = 1_000
REPLAYED = 10_000
PRODUCER = "bench000"


class Stream:
    """The captures stream of the launch, and how many exchanges it was ever given."""

    def __init__(self, redis: RedisClient) -> None:
        self.given = 0
        self._redis = redis
        at_ms = time.time_ns() // 1_000_000 + 3_600_000  # none grows stale
        request = Request("GET", "/orders/123", "http://shop.example", (("accept", "application/json"),), b"")
        answer = Response(200, (("content-type", "application/json"),), b'{"id": 123, "total_cents": 4250}', 1.0)
        fields = pack_exchange(Exchange(f"{PRODUCER}:1", LAUNCH, at_ms, "GET /orders/{id}", request, answer))
        self._parcel = (fields[keys.META], fields[keys.REQUEST], fields[keys.RESPONSE])
        self._names = tuple(name(LAUNCH, 0) for name in (keys.captures, keys.ledger, keys.admitted))

    def add(self, exchanges: int) -> None:
        """Admit so many exchanges as a hook does, in batches of 100."""
        for _ in range(exchanges // 100):
            call = ScriptCall("admit", self._names, (100_000_000, PRODUCER, self.given + 1, *(self._parcel * 100)))
            self.given += int(call_script(self._redis, call))


async def read_and_finish(redis_url: str) -> float:
    """Read and finish a turn's exchanges as a worker does, and give the µs for each."""
    redis = connect_async(redis_url, client_name="darklaunch-bench")
    queue = ScriptQueue(ScriptCaller(redis))
    sending = asyncio.create_task(queue.run())
    consumer = GroupConsumer(redis, queue, worker_streams(LAUNCH, 0), name="bench", lease_s=60)
    began, left = time.perf_counter(), TURN
    while left:
        deliveries = await consumer.read(min(left, 100))
        await consumer.finish([FinishedEntry(delivery.entry_id, {}, "replayed") for delivery in deliveries])
        left -= len(deliveries)
    took = time.perf_counter() - began
    sending.cancel()
    await redis.aclose()
    return took / TURN * 1e6


async def claim(redis_url: str) -> float:
    """Return the ms of one claim pass."""
    redis = connect_async(redis_url, client_name="darklaunch-bench")
    consumer = GroupConsumer(
        redis, ScriptQueue(ScriptCaller(redis)), worker_streams(LAUNCH, 0), name="bench", lease_s=60
    )
    began = time.perf_counter()
    await consumer.claim(64)
    took = time.perf_counter() - began
    await redis.aclose()
    return took * 1e3


def audited(environ: dict[str, str]) -> float:
    """Return the ms that an audit takes, less the start of a command."""
    took: list[float] = []
    for arguments in (("list",), ("audit", LAUNCH)):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "darklaunch_console", *arguments], env=environ, capture_output=True)
        took.append(time.perf_counter() - began)
    return (took[1] - took[0]) * 1e3


def backlog(servers: EmbeddedServers, redis: RedisClient, sizes: list[int], rounds: int) -> None:
    """Print what one exchange costs at each size of the backlog."""
    stream = Stream(redis)
    environ = {**os.environ, "REDIS_URL": servers.redis_url, "DATABASE_URL": servers.postgres_url}
    print(f"{'waiting':>10}{'bytes each':>12}{'µs each':>9}{'claim, ms':>11}{'audit, ms':>11}    medians of {rounds}")
    for size in sizes:
        waiting = int(redis.execute_command("XLEN", keys.captures(LAUNCH)))
        stream.add(size - waiting)
        each: list[float] = []
        for _ in range(rounds):
            each.append(asyncio.run(read_and_finish(servers.redis_url)))
            stream.add(TURN)
        claims = [asyncio.run(claim(servers.redis_url)) for _ in range(rounds)]
        audits = [audited(environ) for _ in range(rounds)]
        held = redis.execute_command("MEMORY", "USAGE", keys.captures(LAUNCH), "SAMPLES", 0) / size
        row = (held, *(statistics.median(figures) for figures in (each, claims, audits)))
        print(f"{size:10,}{row[0]:12,.0f}{row[1]:9.1f}{row[2]:11.2f}{row[3]:11.0f}")


def workers(servers: EmbeddedServers, redis: RedisClient, rounds: int) -> None:
    """Print what two worker processes replay a second, beside one."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    command = [sys.executable, "-m", "darklaunch_console", "worker", "--processes"]
    with tempfile.TemporaryDirectory(prefix="darklaunch-bench-") as logs:
        for _ in range(rounds):
            for processes, found in rates.items():
                log = Path(logs) / f"{processes}.log"
                with child([*command, str(processes)], {"REDIS_URL": servers.redis_url}, log):
                    found.append(_replayed_per_s(redis))
                redis.execute_command("XTRIM", keys.replays(LAUNCH), "MAXLEN", 0)
    factor = statistics.median(two / one for one, two in zip(rates[1], rates[2], strict=True))
    medians = " and ".join(f"{statistics.median(found):,.0f}" for found in rates.values())
    print(f"replays/s with one and two worker processes: {medians}, a factor of {factor:.2f} on {os.cpu_count()} cores")


def _replayed_per_s(redis: RedisClient) -> float:
    def replayed() -> int:
        return int(pair_fields(redis.execute_command("HGETALL", keys.ledger(LAUNCH))).get(b"replayed", b"0"))

    start = replayed()
    until_s = time.monotonic() + 120
    while replayed() < start + TURN:  # it has started, and is warm
        if time.monotonic() > until_s:
            raise SystemExit("the worker replayed nothing within 120 s")
        time.sleep(0.02)
    began, first = time.perf_counter(), replayed()
    while (done := replayed() - first) < REPLAYED:
        time.sleep(0.02)
    return done / (time.perf_counter() - began)


def main(rounds: int, sizes: list[int]) -> None:
    with ExitStack() as running, embedded_servers(keep=False) as servers:
        migrate(servers.postgres_url)
        redis = connect(servers.redis_url, client_name="darklaunch-bench", socket_timeout_s=60)
        logs = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="darklaunch-bench-")))
        shadow = running.enter_context(child([*SERVE, "instant"], {}, logs / "shadow.log"))
        assert shadow.stdout
        spec = LaunchSpec(
            f"http://127.0.0.1:{shadow.stdout.readline().strip()}",
            max_entries=10_000_000,
            max_age_s=86_400,
            noise_percent=0.0,
        )
        with psycopg.connect(servers.postgres_url) as connection:
            act = LaunchAct("bench", "started")
            record = create_launch(connection, LAUNCH, spec, act, percent=100.0, status=LaunchStatus.PAUSED)
        publish_launch(redis, record.state, lift_hold=False)
        call_script(redis, ScriptCall("create_group", (keys.captures(LAUNCH),), (keys.WORKER_GROUP,)))
        backlog(servers, redis, sizes, rounds)
        with psycopg.connect(servers.postgres_url) as connection:
            record = update_launch(connection, LAUNCH, LaunchAct("bench", "resumed"), status=LaunchStatus.ACTIVE)
        publish_launch(redis, record.state, lift_hold=False)
        workers(servers, redis, rounds)
        running.close()
        redis.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    given = parser.parse_args()
    main(given.rounds, [int(size) for size in given.sizes.split(",")])

"""Measure the comparator's stage beside plain COPY text of the same result rows: medians of interleaved rounds.

    python -m bench.comparator [--rounds 7] [--exchanges 20000] [--batch 2000] [--profile]

Pairs of 2 kB JSON bodies, 1 % of them with a changed price, over eight endpoints, captured at 2,000 a second. The
stage is what a comparator does with each entry it has read: unpack, decode, compare, record the row, fold it into the
statistics, commit, in batches of 2,000, as from a backlog. `same bytes`: the shadow answers the bytes of the primary,
so nothing is parsed. `times differ`: each body has a time of its own, so both are parsed and compared. `from Redis`
is the whole comparator as it runs: reading from a stream, recording on two connections, acknowledging. `COPY text`
writes the same rows, in as many transactions, into a table like `result`, with its primary key: no duplicates, no
statistics, no samples.

Embedded servers are started unless DARKLAUNCH_BENCH_DATABASE_URL and DARKLAUNCH_BENCH_REDIS_URL name some.
"""

import argparse
import asyncio
import cProfile
import itertools
import os
import pstats
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from math import nan
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
import orjson
import psycopg
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.run import serve
from darklaunch_comparator.settings import ComparatorSettings
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_comparator.store.migrate import migrate
from darklaunch_comparator.store.partitions import ResultPartitions, today_utc
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_console.embedded import embedded_servers
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.redis.client import connect
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse, pack_replay

from tests.support.pack_exchange import pack_exchange

from .compare import SHARED_HEADERS, order

Times = tuple[float, float, float]
"""Microseconds per exchange: wall, CPU of this process, CPU of Postgres (NaN where it cannot be seen)."""

SPEC: Final = LaunchSpec(shadow="http://10.0.3.7:8000")
ENDPOINTS: Final = tuple(f"GET /{name}/{{id}}" for name in ("orders", "carts", "items", "users", "a", "b", "c", "d"))
REQUEST_HEADERS: Final = (
    ("accept", "application/json"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("accept-encoding", "gzip, br"),
    ("authorization", "[redacted]"),
    ("x-request-id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
)
MISMATCHED: Final = 0.01
CAPTURED_PER_S: Final = 2_000

T = TypeVar("T")

_producers = itertools.count()


def entries(launch: str, count: int, *, times_differ: bool, chance: random.Random) -> list[Fields]:
    """Make entries of a replays stream, each of an exchange of its own."""
    producer = f"b{next(_producers):07}"
    start_ms = time.time_ns() // 1_000_000 - int(count / CAPTURED_PER_S * 1_000)
    found: list[Fields] = []
    for seq in range(1, count + 1):
        at_ms = start_ms + int(seq / CAPTURED_PER_S * 1_000) - chance.randrange(100)
        shadow_at_ms = at_ms + chance.randrange(50, 900)
        primary_body = body(at_ms)
        shadow_body = body(
            shadow_at_ms if times_differ else at_ms, total=4300 if chance.random() < MISMATCHED else 4200
        )
        request = Request("GET", f"/orders/{seq}", "http://shop.example", REQUEST_HEADERS, b"")
        primary = Response(200, headers(at_ms, primary_body), primary_body, chance.lognormvariate(2, 1))
        captured = Exchange(f"{producer}:{seq}", launch, at_ms, chance.choice(ENDPOINTS), request, primary)
        shadow = Response(200, headers(shadow_at_ms, shadow_body), shadow_body, chance.lognormvariate(2, 1))
        answered = ShadowResponse(shadow, LatencySource.CLIENT, 1, shadow_at_ms, "v2")
        found.append(pack_replay(pack_exchange(captured), answered))
    return found


def body(at_ms: int, *, total: int = 4200) -> bytes:
    at = datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return orjson.dumps(order(8, total=total, generated_at=at))


def headers(at_ms: int, content: bytes) -> tuple[tuple[str, str], ...]:
    date = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return (*SHARED_HEADERS, ("date", date), ("content-length", str(len(content))))


class Bench:
    """The contenders, over one database and one Redis."""

    def __init__(self, dsn: str, redis_url: str, exchanges: int, batch: int) -> None:
        self.dsn, self.redis_url, self.exchanges, self.batch = dsn, redis_url, exchanges, batch
        self.chance = random.Random(7)
        self.rules = compile_launch_rules(SPEC)
        migrate(dsn)
        self.connection = connect_store(dsn, name="bench")
        ResultPartitions(self.connection, 14).maintain(today_utc())
        self.connection.execute("CREATE TABLE darklaunch.plain (LIKE darklaunch.result INCLUDING ALL)")
        self.memory = WriterCache()
        self.launches = itertools.count()
        self.profiler: cProfile.Profile | None = None
        prepare_connection(self.connection)
        # One for all runs of whole comparators: each watches over all launches there are.
        record = create_launch(self.connection, "bench", SPEC, LaunchAct("bench", "measuring"), percent=10.0)
        with closing(connect(redis_url, client_name="bench")) as redis:
            publish_launch(redis, record.state, lift_hold=True)

    def launch(self) -> str:
        """Name a launch of its own for a run without a comparator: what one leaves must not weigh on the next."""
        return f"bench-{next(self.launches)}"

    def copy_text(self) -> Times:
        launch = self.launch()
        found = [assess_entry(launch, each, self.rules) for each in self.entries(launch, times_differ=False)]
        with self.measured() as times, self.connection.cursor() as cursor:
            for batch in batches(found, self.batch):
                with cursor.copy(f"COPY darklaunch.plain ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                    for finding in batch:
                        copy.write_row(row(launch, finding))
        return times()

    def stage(self, *, times_differ: bool) -> Times:
        launch = self.launch()
        given = self.entries(launch, times_differ=times_differ)
        with self.measured() as times:
            for batch in batches(given, self.batch):
                findings = [assess_entry(launch, fields, self.rules) for fields in batch]
                write_batch(self.connection, launch, findings, self.memory)
        self.check(launch)
        return times()

    def assess_only(self, *, times_differ: bool) -> Times:
        given = self.entries("bench", times_differ=times_differ)
        with self.measured() as times:
            for fields in given:
                assess_entry("bench", fields, self.rules)
        return times()

    def from_redis(self, *, times_differ: bool) -> Times:
        launch, before = "bench", self.counted("bench")
        redis = connect(self.redis_url, client_name="bench")
        stream = keys.replays(launch, 0)
        for batch in batches(self.entries(launch, times_differ=times_differ), 500):
            pipeline = redis.pipeline(transaction=False)
            for fields in batch:
                pipeline.execute_command("XADD", stream, "*", *[part for pair in fields.items() for part in pair])
            pipeline.execute()
        settings = ComparatorSettings(redis_url=self.redis_url, database_url=self.dsn, batch_entries=self.batch)
        took = anyio.run(drained, settings, stream, backend_options={"use_uvloop": find_spec("uvloop") is not None})
        redis.close()
        self.check(launch, before)
        return took

    def entries(self, launch: str, *, times_differ: bool) -> list[Fields]:
        return entries(launch, self.exchanges, times_differ=times_differ, chance=self.chance)

    @contextmanager
    def measured(self) -> Iterator[Callable[[], Times]]:
        before = clocks([self.connection.info.backend_pid])
        if self.profiler:
            self.profiler.enable()
        yield lambda: per_exchange(before, after, self.exchanges)
        if self.profiler:
            self.profiler.disable()
        after = clocks([self.connection.info.backend_pid])

    def counted(self, launch: str) -> tuple[int, int]:
        """Count the results of a launch: those that matched, and all."""
        matched, counted = self.connection.execute(
            "SELECT coalesce(sum(count) FILTER (WHERE outcome = 'matched'), 0)::int, coalesce(sum(count), 0)::int "
            "FROM darklaunch.tally WHERE launch = %s",
            [launch],
        ).fetchone() or (0, 0)
        return matched, counted

    def check(self, launch: str, before: tuple[int, int] = (0, 0)) -> None:
        """See that the contender did its work."""
        matched, counted = (now - then for now, then in zip(self.counted(launch), before, strict=True))
        assert counted == self.exchanges > matched > 0.97 * self.exchanges, (counted, matched)


async def drained(settings: ComparatorSettings, stream: str) -> Times:
    """Run a comparator until a stream is empty; time it while batches are full, from the first on to the last."""
    redis = connect(settings.redis_url, client_name="bench")

    def left() -> int:
        return int(redis.execute_command("XLEN", stream))

    whole = left()
    stop = anyio.Event()
    running = asyncio.create_task(serve(settings, stop))
    while (first := left()) == whole:  # noqa: ASYNC110 (another process's streams tell)
        await asyncio.sleep(0.001)
    with psycopg.connect(settings.database_url) as looking:
        found = looking.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'darklaunch-comparator'")
        backends = [pid for (pid,) in found]
    before = clocks(backends)
    while (last := left()) >= settings.batch_entries:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    after = clocks(backends)
    while left():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    stop.set()
    await running
    redis.close()
    return per_exchange(before, after, first - last)


def clocks(backends: list[int]) -> Times:
    """Read the clocks, in seconds: wall, CPU of this process, CPU of these Postgres processes."""
    return time.perf_counter(), time.process_time(), sum(map(cpu_s, backends))


def cpu_s(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:  # not Linux, or Postgres is elsewhere
        return nan


def per_exchange(before: Times, after: Times, exchanges: int) -> Times:
    wall, own, postgres = ((end - start) / exchanges * 1e6 for start, end in zip(before, after, strict=True))
    return wall, own, postgres


COLUMNS: Final = (
    "launch", "day", "exchange_id", "captured_at", "endpoint", "method", "outcome", "reason", "signature",
    "primary_status", "shadow_status", "primary_ms", "shadow_ms", "latency_source", "slow", "build",
)  # fmt: skip


def row(launch: str, finding: ExchangeResult) -> tuple[Any, ...]:
    at = finding.captured_at
    return (
        launch, at.date(), finding.exchange_id, at, finding.endpoint, finding.method, finding.outcome, finding.reason,
        finding.problems[0].fingerprint if finding.problems else None, finding.primary_status, finding.shadow_status,
        finding.primary_ms, finding.shadow_ms, finding.latency_source, finding.slow, finding.build,
    )  # fmt: skip


def batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def table(bench: Bench, rounds: int) -> None:
    contenders: dict[str, Callable[[], Times]] = {
        "COPY text": bench.copy_text,
        "unpack, compare: same bytes": lambda: bench.assess_only(times_differ=False),
        "unpack, compare: times differ": lambda: bench.assess_only(times_differ=True),
        "stage, same bytes": lambda: bench.stage(times_differ=False),
        "stage, times differ": lambda: bench.stage(times_differ=True),
        "from Redis, same bytes": lambda: bench.from_redis(times_differ=False),
        "from Redis, times differ": lambda: bench.from_redis(times_differ=True),
    }
    results: dict[str, list[Times]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            took = run()
            if number:  # the first warms up
                results[name].append(took)
    print(
        f"{'µs per exchange':31}{'exchanges/s':>12}{'wall':>8}{'own CPU':>9}{'Postgres':>10}{'of COPY':>9}{'by CPU':>8}"
    )
    copies = results["COPY text"]
    for name, runs in results.items():
        wall, own, postgres = (statistics.median(column) for column in zip(*runs, strict=True))
        ratio = statistics.median([copy[0] / each[0] for copy, each in zip(copies, runs, strict=True)])
        by_cpu = statistics.median([sum(copy[1:]) / sum(each[1:]) for copy, each in zip(copies, runs, strict=True)])
        print(f"{name:31}{1e6 / wall:12,.0f}{wall:8,.1f}{own:9,.1f}{postgres:10,.1f}{ratio:9.2f}{by_cpu:8.2f}")
    print(f"{rounds} rounds of {bench.exchanges:,} exchanges, batches of {bench.batch}, psycopg {psycopg.pq.__impl__}")


def profile(bench: Bench) -> None:
    bench.stage(times_differ=True)
    for times_differ in (False, True):
        bench.profiler = cProfile.Profile(time.process_time)
        bench.stage(times_differ=times_differ)
        print("times differ" if times_differ else "same bytes")
        pstats.Stats(bench.profiler).sort_stats("tottime").print_stats(30)


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    given = (os.environ.get("DARKLAUNCH_BENCH_REDIS_URL"), os.environ.get("DARKLAUNCH_BENCH_DATABASE_URL"))
    with embedded_servers(keep=False, redis_url=given[0], postgres_url=given[1]) as found:
        yield found.postgres_url, found.redis_url


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--exchanges", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=ComparatorSettings().batch_entries)
    parser.add_argument("--profile", action="store_true", help="profile the stage instead, with cProfile")
    given = parser.parse_args()
    with servers() as (dsn, redis_url):
        bench = Bench(dsn, redis_url, given.exchanges, given.batch)
        if given.profile:
            profile(bench)
        else:
            table(bench, given.rounds)

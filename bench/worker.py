"""Measure the worker's own cost: its stage beside a bare loop, and its replays beside the HTTP client alone.

    python -m bench.worker [--rounds 7] [--exchanges 6000] [--profile]

Exchanges with 2 kB of JSON wait on a stream of an embedded Valkey. `bare loop` is redis-py alone (asyncio, hiredis,
uvloop): XREADGROUP of 100, then XADD of what a worker passes on, XACK and XDEL of each, in one pipeline. `worker, no-op
client` is the whole worker with a client that answers at once, so that what is left is the stage: read, unpack, decide,
pack, finish. `raw client` is the product's fast client sending the same requests to a local nginx, 64 at a time, with
no worker around it; `worker, fast client` and `worker, httpx client` replay to that nginx. Each is one process of
Python; they take turns. Nothing is asked a second time for the noise baseline. Where there is no nginx, its rows are
left out, with a word.
"""

import argparse
import asyncio
import cProfile
import itertools
import pstats
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import anyio
import orjson
import uvloop
from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.process.gc_tuning import freeze_startup_objects
from darklaunch_shared.redis.client import connect, connect_async
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse, pack_replay
from darklaunch_workers import launch_runner
from darklaunch_workers.http import ClientKind, ShadowReply, ShadowRequest, make_client, replay_request
from darklaunch_workers.run import serve
from darklaunch_workers.settings import WorkerSettings
from redis.asyncio import Redis

from tests.support.pack_exchange import pack_exchange

from .compare import SHARED_HEADERS, order

Times = tuple[float, float]
"""Wall and CPU microseconds per exchange; the CPU is this process's."""

BODY: Final = orjson.dumps(order(8))
ANSWER: Final = Response(200, (*SHARED_HEADERS, ("content-length", str(len(BODY)))), BODY, 1.0)
REQUEST: Final = Request(
    "GET",
    "/orders/123?expand=lines",
    "http://shop.example",
    (
        ("accept", "application/json"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("accept-encoding", "gzip, br"),
        ("x-request-id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ),
    b"",
)
CONCURRENCY: Final = 64
WARM: Final = 1_000
"""Exchanges before the clock starts: connections, caches, and the worker's slow start."""

_launches = itertools.count()


class NoOp:
    """A shadow client that answers at the next turn of the event loop, with the bytes of the primary.

    At once would mean one replay at a time, for which the adaptive limit never rises.
    """

    replaced_connections = 0

    async def send(self, request: ShadowRequest, *, deadline_s: float) -> ShadowReply:
        await asyncio.sleep(0)
        return ShadowReply(ANSWER)

    async def aclose(self) -> None:
        pass


class Bench:
    """The contenders, over one Valkey and perhaps one nginx."""

    def __init__(self, redis_url: str, nginx_port: int | None, exchanges: int) -> None:
        self.redis_url, self.nginx_port, self.exchanges = redis_url, nginx_port, exchanges
        self.redis = connect(redis_url, client_name="bench")
        self.profiler: cProfile.Profile | None = None

    def launch(self) -> str:
        """Publish a launch with exchanges waiting, and forget those before it."""
        self.redis.execute_command("FLUSHALL")
        name = f"bench-{next(_launches)}"
        spec = LaunchSpec(f"http://127.0.0.1:{self.nginx_port or 9}", noise_percent=0.0)
        state = LaunchState(name, LaunchStatus.ACTIVE, percent=100.0, hold=False, revision=1, spec=spec)
        publish_launch(self.redis, state, lift_hold=True)
        stream = keys.captures(name, 0)
        call_script(self.redis, ScriptCall("create_group", (stream,), (keys.WORKER_GROUP,)))
        for first in range(0, self.exchanges + WARM, 500):
            pipeline = self.redis.pipeline(transaction=False)
            for seq in range(first, min(first + 500, self.exchanges + WARM)):
                captured = Exchange(f"bench000:{seq + 1}", name, now_ms(), "GET /orders/{id}", REQUEST, ANSWER)
                flat = [part for pair in pack_exchange(captured).items() for part in pair]
                pipeline.execute_command("XADD", stream, "*", *flat)
            pipeline.execute()
        return name

    def bare_loop(self) -> Times:
        return self.run(self._bare_loop(self.launch()))

    def raw_client(self) -> Times:
        return self.run(self._raw_client())

    def worker(self, *, client: ClientKind = "auto", answering: type[NoOp] | None = None) -> Times:
        settings = WorkerSettings(redis_url=self.redis_url, concurrency=CONCURRENCY, client=client)
        name = self.launch()
        if answering is None:
            return self.run(self._worker(settings, name))
        with patch.object(launch_runner, "make_client", lambda *_, **__: answering()):
            return self.run(self._worker(settings, name))

    def run(self, work: Coroutine[Any, Any, Times]) -> Times:
        with cyclic_profile(self.profiler):
            return uvloop.run(work)

    async def _bare_loop(self, launch: str) -> Times:
        redis = Redis.from_url(self.redis_url)
        source, onward = keys.captures(launch, 0), keys.replays(launch, 0)
        answered = ShadowResponse(ANSWER, LatencySource.CLIENT, 1, now_ms())
        packed = pack_replay(pack_exchange(Exchange("b:1", launch, now_ms(), "", REQUEST, ANSWER)), answered)
        shadow_meta = packed[keys.SHADOW_META]
        done, clock = 0, Clock()
        while done < self.exchanges + WARM:
            reply: Any = await redis.execute_command(
                "XREADGROUP", "GROUP", keys.WORKER_GROUP, "bare", "COUNT", 100, "STREAMS", source, ">"
            )
            pipeline = redis.pipeline(transaction=False)
            for entry_id, flat in reply[0][1]:
                fields = [part for pair in pair_fields(flat).items() for part in pair]
                pipeline.execute_command("XADD", onward, "*", *fields, keys.SHADOW_META, shadow_meta)
                pipeline.execute_command("XACK", source, keys.WORKER_GROUP, entry_id)
                pipeline.execute_command("XDEL", source, entry_id)
            await pipeline.execute()
            done += len(reply[0][1])
            if done == WARM:
                clock = Clock()
        await redis.aclose()
        return clock.per(self.exchanges)

    async def _raw_client(self) -> Times:
        origin = Origin("http", "127.0.0.1", self.nginx_port or 9)
        client = make_client(origin, slots=CONCURRENCY, kind="fast")
        request = replay_request(REQUEST, launch="bench", exchange_id="b:1", shadow=origin, entropy=bytes(24))

        async def send(left: Any) -> None:
            for _ in left:
                await client.send(request, deadline_s=7)

        async def send_all(count: int) -> None:
            left = iter(range(count))
            async with anyio.create_task_group() as tasks:
                for _ in range(CONCURRENCY):
                    tasks.start_soon(send, left)

        await send_all(WARM)
        clock = Clock()
        await send_all(self.exchanges)
        took = clock.per(self.exchanges)
        await client.aclose()
        return took

    async def _worker(self, settings: WorkerSettings, launch: str) -> Times:
        redis = connect_async(self.redis_url, client_name="bench")
        stop = anyio.Event()
        took: list[Times] = []

        async def left() -> int:
            length: Any = await redis.execute_command("XLEN", keys.captures(launch, 0))
            return int(length)

        async def watch() -> None:
            while (first := await left()) > self.exchanges:  # noqa: ASYNC110 (only Redis can tell)
                await anyio.sleep(0.001)
            clock = Clock()
            while await left():  # noqa: ASYNC110
                await anyio.sleep(0.01)
            took.append(clock.per(first))
            stop.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            await serve(settings, stop)
        replayed: Any = await redis.execute_command("XLEN", keys.replays(launch, 0))
        assert replayed == self.exchanges + WARM, replayed
        await redis.aclose()
        return took[0]


class Clock:
    """Runs from where it is made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def per(self, exchanges: int) -> Times:
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        return wall / exchanges * 1e6, cpu / exchanges * 1e6


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextmanager
def cyclic_profile(profiler: cProfile.Profile | None) -> Generator[None]:
    if profiler:
        profiler.enable()
    yield
    if profiler:
        profiler.disable()


@contextmanager
def nginx() -> Generator[int | None]:
    """Serve the answer on a free port of the loopback; None where nginx is not installed."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if program is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="darklaunch-bench-") as home:
        (Path(home) / "order.json").write_bytes(BODY)
        conf = Path(home) / "nginx.conf"
        conf.write_text(
            f"daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; default_type application/json; keepalive_requests 1000000;\n"
            f"  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fcgi;\n"
            f"  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi; open_file_cache max=10;\n"
            f"  server {{ listen 127.0.0.1:{port}; root {home}; location / {{ try_files /order.json =404; }} }} }}\n"
        )
        server = subprocess.Popen([program, "-p", home, "-c", str(conf)], stderr=subprocess.DEVNULL)
        try:
            until_s = time.monotonic() + 10
            while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < until_s:
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()
            server.wait()


def table(bench: Bench, rounds: int) -> None:
    contenders: dict[str, Callable[[], Times]] = {
        "bare loop": bench.bare_loop,
        "worker, no-op client": lambda: bench.worker(answering=NoOp),
    }
    against = {"worker, no-op client": "bare loop"}
    if bench.nginx_port:
        contenders |= {
            "raw client": bench.raw_client,
            "worker, fast client": lambda: bench.worker(client="fast"),
            "worker, httpx client": lambda: bench.worker(client="httpx"),
        }
        against |= {"worker, fast client": "raw client", "worker, httpx client": "raw client"}
    else:
        print("nginx is not installed: the rows that replay to one are left out", file=sys.stderr)
    results: dict[str, list[Times]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            results[name].append(run())
    print(f"{'µs per exchange':24}{'exchanges/s':>12}{'wall':>8}{'CPU':>8}   {'wall ratio':>10}{'CPU ratio':>10}")
    for name, runs in results.items():
        wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        shown = f"{name:24}{1e6 / wall:12,.0f}{wall:8,.1f}{cpu:8,.1f}"
        if peer := against.get(name):
            pairs = list(zip(results[peer], runs, strict=True))
            ratios = [statistics.median([other[at] / own[at] for other, own in pairs]) for at in (0, 1)]
            shown += f"   {ratios[0]:10.2f}{ratios[1]:10.2f} of the {peer}"
        print(shown)
    print(f"{rounds} rounds of {bench.exchanges:,} exchanges of {len(BODY):,} bytes, concurrency {CONCURRENCY}")


def profile(bench: Bench) -> None:
    bench.profiler = cProfile.Profile(time.process_time)
    bench.worker(answering=NoOp)
    pstats.Stats(bench.profiler).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--exchanges", type=int, default=6_000)
    parser.add_argument("--profile", action="store_true", help="profile the stage instead, with cProfile")
    given = parser.parse_args()
    freeze_startup_objects()  # as the worker command does
    with ExitStack() as running:
        valkey = running.enter_context(embedded_valkey())
        bench = Bench(valkey.url, running.enter_context(nginx()), given.exchanges)
        if given.profile:
            profile(bench)
        else:
            table(bench, given.rounds)

"""Measure what the hook costs a server as a whole: throughput and CPU per request beside the bare server and peers.

    python -m bench.hook_server [--rounds 5] [--seconds 2] [--concurrency 32] [--per-s 0] [--only hook]

One uvicorn process serves 2 kB of JSON from Starlette: bare, with the hook at several shares (a real Valkey takes what
it writes), with the hook while its Valkey is stopped, with OpenTelemetry's and with Sentry's ASGI middleware. nginx and
Envoy stand in front of a server that answers at once, without and with mirroring to a second one; their `of bare` is
relative to themselves without mirroring. At full load a p99 is mostly time spent in line: what a hook adds to it shows
at a fixed rate, `--per-s 500`; the last line holds it with Redis stopped against it with Redis up. Servers run on one
core, load and Valkey on another; contenders take turns in every round. CPU is the server process's own, with all its
threads. What is not installed is left out, with a word (`uv sync --group bench`; Debian's nginx).
"""

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import cycle, islice, repeat
from pathlib import Path
from typing import Any

import orjson
from darklaunch_console.embedded import Valkey, embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.connect import connect
from darklaunch_shared.launch import LaunchSpec, pack_spec

from .hook_call import BODY
from .load import HOST, pin

THIS = (sys.executable, "-W", "ignore", "-m", "bench.hook_server")
BARE = "bare uvicorn"
UP = "hook, 100 %"
STOPPED = "hook, 100 %, Redis stopped"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass
class Contender:
    """A running server; `bare` is the contender it is held against. `before` and `after` surround each round."""

    name: str
    bare: str
    port: int
    pid: int
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


@contextmanager
def contenders(only: str) -> Generator[list[Contender]]:
    """Start every contender that is installed and whose name contains `only`; bare ones always."""
    found: list[Contender] = []
    with ExitStack() as running:

        def app(kind: str, name: str, **more: Any) -> None:
            if only not in name and name != BARE:
                return
            process = running.enter_context(
                _child([*_pinned(sys.executable), *THIS[1:], "--serve", kind], more.pop("environ", {}))
            )
            assert process.stdout
            port = int(process.stdout.readline())
            found.append(Contender(name, BARE, port, process.pid, **more))

        app("bare", BARE)
        for percent in (10.0, 100.0):
            valkey = running.enter_context(embedded_valkey())
            announce(valkey.url, percent)
            app("hook", f"hook, {percent:g} %", environ={"DARKLAUNCH_REDIS_URL": valkey.url}, after=_emptying(valkey))
        valkey = running.enter_context(embedded_valkey())
        announce(valkey.url, 100.0)
        app(
            "hook",
            STOPPED,
            environ={"DARKLAUNCH_REDIS_URL": valkey.url},
            before=lambda: os.kill(valkey.process.pid, signal.SIGSTOP),
            after=_going_on(valkey),
        )
        for module, kind, name in (
            ("opentelemetry.instrumentation.asgi", "opentelemetry", "OpenTelemetry ASGI"),
            ("sentry_sdk", "sentry", "Sentry ASGI"),
        ):
            if _installed(module):
                app(kind, name)
            else:
                print(f"{name} is not installed and left out", file=sys.stderr)
        if only in "nginx mirroring" or only in "Envoy mirroring":
            found += _proxies(running)
        yield found


def _proxies(running: ExitStack) -> list[Contender]:
    upstreams: list[int] = []
    for _ in range(2):
        process = running.enter_context(_child([*THIS, "--serve", "instant"], {}))
        assert process.stdout
        upstreams.append(int(process.stdout.readline()))
    directory = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="darklaunch-bench-")))
    found: list[Contender] = []
    for name, program, write in (("nginx", _nginx(), _nginx_config), ("Envoy", _envoy(), _envoy_config)):
        if not program:
            print(f"{name} is not installed and left out", file=sys.stderr)
            continue
        for mirroring in (False, True):
            port = _free_port()
            config = directory / f"{name}-{mirroring}"
            config.write_text(write(port, upstreams, mirroring, config))
            process = running.enter_context(_child([*program, str(config)], {}))
            _wait_for(port)
            found.append(Contender(f"{name} mirroring" if mirroring else name, name, port, process.pid))
    return found


def measure(contender: Contender, seconds: float, concurrency: int, per_s: float) -> None:
    """Load one contender once, at most `per_s` requests a second (0: as fast as it goes)."""
    contender.before()
    command = [sys.executable, "-m", "bench.load", "--port", str(contender.port), "--seconds", str(seconds)]
    command += ["--concurrency", str(concurrency), "--body-bytes", str(len(BODY)), "--per-s", str(per_s)]
    try:
        before_s = _cpu_s(contender.pid)
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
        cpu_s = _cpu_s(contender.pid) - before_s
    except subprocess.CalledProcessError as failed:
        raise SystemExit(f"{contender.name}: {failed.stderr.strip().splitlines()[-1]}") from None
    finally:
        contender.after()
    told = json.loads(ran.stdout)
    contender.rates.append(told["requests"] / told["seconds"])
    contender.cpu_us.append(cpu_s / told["requests"] * 1e6)
    contender.p99_ms.append(told["p99_ms"])


def main(rounds: int, seconds: float, concurrency: int, per_s: float, only: str) -> None:
    with contenders(only) as running:
        time.sleep(1.5)  # hooks look for launches twice a second
        for contender in running:
            measure(contender, 0.5, concurrency, per_s)
            for figures in (contender.rates, contender.cpu_us, contender.p99_ms):
                figures.clear()
        for _ in range(rounds):
            for contender in running:
                measure(contender, seconds, concurrency, per_s)
    print(
        f"{'server':30}{'requests/s':>11}{'of bare':>9}{'CPU µs':>9}{'added':>8}{'p99, ms':>9}{'added':>8}"
        f"    {rounds} rounds of {seconds:g} s, concurrency {concurrency}{f', {per_s:g} a second' if per_s else ''}"
    )
    named = {contender.name: contender for contender in running}
    for one in running:
        bare = named[one.bare]
        share = statistics.median(mine / its for mine, its in zip(one.rates, bare.rates, strict=True))
        added = statistics.median(mine - its for mine, its in zip(one.cpu_us, bare.cpu_us, strict=True))
        rate, cpu_us, p99_ms = map(statistics.median, (one.rates, one.cpu_us, one.p99_ms))
        slower_ms = statistics.median(mine - its for mine, its in zip(one.p99_ms, bare.p99_ms, strict=True))
        beside = f"{share:9.2f}{cpu_us:9.1f}{added:+8.1f}" if one is not bare else f"{'':9}{cpu_us:9.1f}{'':8}"
        print(f"{one.name:30}{rate:11,.0f}{beside}{p99_ms:9.2f}{'' if one is bare else f'{slower_ms:+8.2f}'}")
    if STOPPED in named and UP in named:
        pairs = zip(named[STOPPED].p99_ms, named[UP].p99_ms, strict=True)
        ratio = statistics.median(stopped / up for stopped, up in pairs)
        print(f"p99 with Redis stopped, of that with Redis up: {ratio:.2f}")


def serve(kind: str) -> None:
    """Serve one kind of app on a free port, and print the port."""
    if kind in ("instant", "almost"):
        _serve_instantly(differing_every=100 if kind == "almost" else 0)
        return
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    answer = orjson.loads(BODY)

    async def order(_request: object) -> JSONResponse:
        return JSONResponse(answer)

    app: Any = Starlette(routes=[Route("/orders/{id}", order)])
    if kind == "hook":
        from darklaunch import CaptureMiddleware

        app = CaptureMiddleware(app)
    elif kind == "opentelemetry":
        app = _with_opentelemetry(app)
    elif kind == "sentry":
        app = _with_sentry(app)
    listener = socket.create_server((HOST, 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run([listener])


def _with_opentelemetry(app: Any) -> Any:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere()))
    return OpenTelemetryMiddleware(app, tracer_provider=provider)


def _with_sentry(app: Any) -> Any:
    import sentry_sdk
    from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            pass

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:1/1", traces_sample_rate=1.0, transport=Nowhere, default_integrations=False
    )
    return SentryAsgiMiddleware(app)


def _serve_instantly(differing_every: int) -> None:
    """Answer at once; every so many answers differ in one leaf from the app's."""
    import asyncio

    import uvloop

    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(BODY)}\r\n\r\n"
    answer = head.encode() + BODY
    other = answer.replace(b"1999", b"1998", 1)
    answers = cycle([answer] * (differing_every - 1) + [other]) if differing_every else repeat(answer)

    class Instant(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport, self._tail = transport, b""

        def data_received(self, data: bytes) -> None:
            data = self._tail + data
            self._tail = data.rpartition(b"\r\n\r\n")[2]
            self._transport.write(b"".join(islice(answers, data.count(b"\r\n\r\n"))))

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Instant, HOST, 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    uvloop.run(run())


def announce(redis_url: str, percent: float) -> None:
    """Publish a launch whose backlog has no bound in reach."""
    redis = connect(redis_url, client_name="darklaunch-bench")
    spec = pack_spec(LaunchSpec("http://127.0.0.1:9", max_entries=10_000_000))
    redis.execute_command("SADD", keys.LAUNCHES, "bench")
    control = ("status", "active", "percent", percent, "revision", 1, "spec", spec)
    redis.execute_command("HSET", keys.launch("bench"), *control)
    redis.execute_command("INCR", keys.REVISION)
    redis.close()


def _emptying(valkey: Valkey) -> Callable[[], None]:
    def empty() -> None:
        time.sleep(0.2)
        redis = connect(valkey.url, client_name="darklaunch-bench")
        redis.execute_command("XTRIM", keys.captures("bench"), "MAXLEN", 0)
        redis.close()

    return empty


def _going_on(valkey: Valkey) -> Callable[[], None]:
    empty = _emptying(valkey)

    def go_on() -> None:
        os.kill(valkey.process.pid, signal.SIGCONT)
        time.sleep(2.0)  # the hook finds it again, and writes what waited
        empty()

    return go_on


@contextmanager
def _child(command: list[str], environ: dict[str, str]) -> Generator[subprocess.Popen[str]]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DARKLAUNCH_")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=inherited | environ, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection((HOST, port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"nothing listens on port {port}")


def _pinned(program: str) -> list[str]:
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(min(os.sched_getaffinity(0))), program] if taskset else [program]


def _nginx() -> list[str]:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return [*_pinned(program), "-c"] if program else []


def _envoy() -> list[str]:
    spec = find_spec("envoy") if _installed("envoy") else None
    program = Path(spec.origin).parent / "_bin" / "envoy" if spec and spec.origin else None
    if program is None or not program.exists():
        return []
    program.chmod(program.stat().st_mode | 0o111)
    return [*_pinned(str(program)), "--log-level", "error", "--concurrency", "1", "--use-dynamic-base-id", "-c"]


def _nginx_config(port: int, upstreams: list[int], mirroring: bool, config: Path) -> str:
    mirror = "mirror /mirrored; mirror_request_body off;" if mirroring else ""
    return f"""
daemon off; master_process off; pid {config}.pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {config}.b; proxy_temp_path {config}.p; fastcgi_temp_path {config}.f;
  uwsgi_temp_path {config}.u; scgi_temp_path {config}.s; keepalive_requests 1000000000;
  upstream first {{ server {HOST}:{upstreams[0]}; keepalive 256; keepalive_requests 1000000000; }}
  upstream second {{ server {HOST}:{upstreams[1]}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {HOST}:{port};
    location / {{ {mirror} proxy_pass http://first; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location = /mirrored {{ internal; proxy_pass http://second$request_uri; proxy_http_version 1.1;
      proxy_set_header Connection ""; }}
  }}
}}
"""


def _envoy_config(port: int, upstreams: list[int], mirroring: bool, _config: Path) -> str:
    def address(port: int) -> dict[str, Any]:
        return {"socket_address": {"address": HOST, "port_value": port}}

    def cluster(name: str, port: int) -> dict[str, Any]:
        endpoint = {"lb_endpoints": [{"endpoint": {"address": address(port)}}]}
        assignment = {"cluster_name": name, "endpoints": [endpoint]}
        return {"name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": assignment}

    policies = [{"cluster": "second", "runtime_fraction": {"default_value": {"numerator": 100}}}] if mirroring else []
    route = {"match": {"prefix": "/"}, "route": {"cluster": "first", "request_mirror_policies": policies}}
    types = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{types}.http.router.v3.Router"}}
    manager = {
        "@type": f"{types}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    clusters = [cluster("first", upstreams[0]), cluster("second", upstreams[1])]
    listener = {"name": "bench", "address": address(port), "filter_chains": [chain]}
    return orjson.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}}).decode()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--per-s", type=float, default=0.0, help="requests a second; 0: as fast as it goes")
    parser.add_argument("--only", default="", help="contenders whose name contains this, and the bare server")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
    else:
        pin(1)
        main(given.rounds, min(given.seconds, 30.0), given.concurrency, given.per_s, given.only)

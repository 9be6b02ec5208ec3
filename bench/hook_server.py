"""Measure what the hook costs a server as a whole: throughput and CPU per request beside the bare server and peers.

    python -m bench.hook_server [--rounds 5] [--seconds 2] [--concurrency 32] [--per-s 0] [--only hook]

One uvicorn process serves 2 kB of JSON from Starlette: bare, with the hook at several shares (a real Valkey takes what
it writes), with the hook while its Valkey is stopped, with OpenTelemetry's and with Sentry's ASGI middleware. nginx and
Envoy stand in front of a server that answers at once, without and with mirroring to a second one; their `of bare` is
relative to themselves without mirroring. At full load a p99 is mostly time spent in line: what a hook adds to it shows
at a fixed rate, `--per-s 500`; the last line holds it with Redis stopped against it with Redis up. Each server in turn
has the first core to itself; load, Valkey and upstreams share another. CPU is the server process's own, with all its
threads, and `core` how much of its core that is: near 1.00 the server was the limit, and the rate is its own capacity
(the kernel's work on packets is not a process's); well below, the load or an upstream was. What is not installed is
left out, with a word (`uv sync --group bench`; Debian's nginx).
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from darklaunch_console.bench.rounds import LAUNCH, publish_bench_launch
from darklaunch_console.embedded import Valkey, embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect

from .hook_call import BODY
from .load import pin
from .proxies import proxies
from .servers import SERVE, child, installed, pinned

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
            process = running.enter_context(child([*pinned(SERVE[0]), *SERVE[1:], kind], more.pop("environ", {})))
            assert process.stdout
            port = int(process.stdout.readline())
            found.append(Contender(name, BARE, port, process.pid, **more))

        app("bare", BARE)
        for percent in (10.0, 100.0):
            valkey = running.enter_context(embedded_valkey())
            publish_bench_launch(valkey.url, percent)
            app("hook", f"hook, {percent:g} %", environ={"DARKLAUNCH_REDIS_URL": valkey.url}, after=_emptying(valkey))
        valkey = running.enter_context(embedded_valkey())
        publish_bench_launch(valkey.url, 100.0)
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
            if installed(module):
                app(kind, name)
            else:
                print(f"{name} is not installed and left out", file=sys.stderr)
        if only in "nginx mirroring" or only in "Envoy mirroring":
            found += [Contender(one.name, one.bare, one.port, one.pid) for one in proxies(running)]
        yield found


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
        f"{'server':30}{'requests/s':>11}{'of bare':>9}{'CPU µs':>9}{'added':>8}{'core':>6}{'p99, ms':>9}{'added':>8}"
        f"    {rounds} rounds of {seconds:g} s, concurrency {concurrency}{f', {per_s:g} a second' if per_s else ''}"
    )
    named = {contender.name: contender for contender in running}
    for one in running:
        bare = named[one.bare]
        share = statistics.median(mine / its for mine, its in zip(one.rates, bare.rates, strict=True))
        added = statistics.median(mine - its for mine, its in zip(one.cpu_us, bare.cpu_us, strict=True))
        rate, cpu_us, p99_ms = map(statistics.median, (one.rates, one.cpu_us, one.p99_ms))
        slower_ms = statistics.median(mine - its for mine, its in zip(one.p99_ms, bare.p99_ms, strict=True))
        core = statistics.median(each * us / 1e6 for each, us in zip(one.rates, one.cpu_us, strict=True))
        beside = f"{share:9.2f}{cpu_us:9.1f}{added:+8.1f}" if one is not bare else f"{'':9}{cpu_us:9.1f}{'':8}"
        slower = "" if one is bare else f"{slower_ms:+8.2f}"
        print(f"{one.name:30}{rate:11,.0f}{beside}{core:6.2f}{p99_ms:9.2f}{slower}")
    if STOPPED in named and UP in named:
        pairs = zip(named[STOPPED].p99_ms, named[UP].p99_ms, strict=True)
        ratio = statistics.median(stopped / up for stopped, up in pairs)
        print(f"p99 with Redis stopped, of that with Redis up: {ratio:.2f}")


def _emptying(valkey: Valkey) -> Callable[[], None]:
    def empty() -> None:
        time.sleep(0.2)
        redis = connect(valkey.url, client_name="darklaunch-bench")
        redis.execute_command("XTRIM", keys.captures(LAUNCH), "MAXLEN", 0)
        redis.close()

    return empty


def _going_on(valkey: Valkey) -> Callable[[], None]:
    empty = _emptying(valkey)

    def go_on() -> None:
        os.kill(valkey.process.pid, signal.SIGCONT)
        time.sleep(2.0)  # the hook finds it again, and writes what waited
        empty()

    return go_on


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--per-s", type=float, default=0.0, help="requests a second; 0: as fast as it goes")
    parser.add_argument("--only", default="", help="contenders whose name contains this, and the bare server")
    given = parser.parse_args()
    pin(1)
    main(given.rounds, min(given.seconds, 30.0), given.concurrency, given.per_s, given.only)

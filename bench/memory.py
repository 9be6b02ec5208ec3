"""Measure that memory stays flat: worker and comparator over a soak, and the hook while Redis is stopped.

    python -m bench.memory [--minutes 10] [--per-s 400]

The pipeline of `bench.pipeline` runs at a steady rate of user requests, all of them sampled; resident memory of each
part is read every second. `first` and `last` are medians of the second and of the last tenth of the time: what grows
for ever shows as a difference that grows with `--minutes`. Before that the app is loaded as fast as it can for half a
minute with its Valkey stopped, bare and with the hook: what the hook holds is the difference of how far their memory
grew, beside the bound that it was set up with.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from darklaunch.settings import HookSettings
from darklaunch_comparator.store.migrate import migrate
from darklaunch_console.bench.rounds import publish_bench_launch
from darklaunch_console.embedded import embedded_servers, embedded_valkey

from .hook_call import BODY
from .pipeline import Stage
from .servers import SERVE, child

WATCHED = ("app with the hook", "worker", "comparator", "Valkey", "Postgres")
STOPPED_S = 25.0  # sampling ends by itself after 30 s without Redis
MIB = 1_048_576


def soak(minutes: float, per_s: float) -> None:
    """Print each part's resident memory at the beginning and at the end."""
    with ExitStack() as running, embedded_servers(keep=False) as servers:
        migrate(servers.postgres_url)
        stage = Stage(running, servers)
        stage.launch("soak")
        seen: dict[str, list[float]] = {part: [] for part in WATCHED}
        load = [sys.executable, "-m", "bench.load", "--port", str(stage.app_port), "--seconds", str(minutes * 60)]
        load += ["--concurrency", "8", "--body-bytes", str(len(BODY)), "--per-s", str(per_s)]
        with subprocess.Popen(load, stdout=subprocess.PIPE, text=True) as sending:
            while sending.poll() is None:
                for part in WATCHED:
                    seen[part].append(stage.rss_bytes(part) / MIB)
                time.sleep(1.0)
        running.close()
    print(f"resident memory, MiB {'first':>12}{'last':>8}{'most':>8}    {minutes:g} min at {per_s:,.0f} requests/s")
    for part, figures in seen.items():
        tenth = max(1, len(figures) // 10)
        first, last = statistics.median(figures[tenth : 2 * tenth]), statistics.median(figures[-tenth:])
        print(f"  {part:20}{first:11.1f}{last:8.1f}{max(figures):8.1f}")


def stopped() -> None:
    """Print how much the hook holds while Redis is stopped under load."""
    grown: dict[str, float] = {}
    for kind in ("bare", "hook"):
        with embedded_valkey() as valkey, TemporaryDirectory(prefix="darklaunch-bench-") as logs:
            publish_bench_launch(valkey.url, 100.0)
            environ = {"DARKLAUNCH_REDIS_URL": valkey.url} if kind == "hook" else {}
            with child([*SERVE, kind], environ, Path(logs) / "app.log") as app:
                assert app.stdout
                port = int(app.stdout.readline())
                _load(port, 3.0)
                before = _rss_bytes(app.pid)
                os.kill(valkey.process.pid, signal.SIGSTOP)
                grown[kind] = _most_while(partial(_rss_bytes, app.pid), port) - before
                os.kill(valkey.process.pid, signal.SIGCONT)
    cap = HookSettings().buffer_bytes / MIB
    held = (grown["hook"] - grown["bare"]) / MIB
    print(f"hook, Redis stopped under load: holds {held:.1f} MiB; its buffer may hold {cap:g} MiB")


def _most_while(read: Callable[[], int], port: int) -> int:
    load = subprocess.Popen(_loading(port, STOPPED_S), stdout=subprocess.DEVNULL)
    most = 0
    while load.poll() is None:
        most = max(most, read())
        time.sleep(0.1)
    return most


def _load(port: int, seconds: float) -> None:
    subprocess.run(_loading(port, seconds), stdout=subprocess.DEVNULL, check=True)


def _loading(port: int, seconds: float) -> list[str]:
    arguments = ["--port", str(port), "--seconds", str(seconds), "--concurrency", "8", "--body-bytes", str(len(BODY))]
    return [sys.executable, "-m", "bench.load", *arguments]


def _rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--per-s", type=float, default=400.0)
    given = parser.parse_args()
    stopped()
    soak(min(given.minutes, 120.0), given.per_s)

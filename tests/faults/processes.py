"""Workers, comparators and web apps as real processes, forked from a server that has imported everything already."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

LIMIT_S = 20.0
PRELOAD = [
    "darklaunch_workers.run",
    "darklaunch_comparator.run",
    "darklaunch_workers.http.httptools_connection",
    "darklaunch",
]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(PRELOAD)


class Process:
    """A running process: its log, its peak memory, and what to do to it."""

    def __init__(self, kind: str, main: Callable[..., None], log_path: Path, crash_at: str, *args: Any) -> None:
        self.kind, self.log_path = kind, log_path
        self._process: BaseProcess = _context.Process(
            target=main, args=(str(log_path), crash_at, *args), name=kind, daemon=True
        )
        self._process.start()
        self.pid = self._process.pid or 0
        self._peak_kib = 0

    @property
    def alive(self) -> bool:
        return self._process.exitcode is None

    @property
    def exit_code(self) -> int | None:
        return self._process.exitcode

    def has_ended(self) -> bool:
        """True once the process has an exit code."""
        return self.exit_code is not None

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def peak_mib(self) -> float:
        """The most memory it ever had resident."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
            self._peak_kib = max(self._peak_kib, int(status.partition("VmHWM:")[2].split()[0]))
        except (OSError, IndexError, ValueError):
            pass
        return self._peak_kib / 1024

    @property
    def resident_mib(self) -> float:
        """What it has resident now."""
        return int(Path(f"/proc/{self.pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.join(LIMIT_S)

    def ended(self, limit_s: float = LIMIT_S) -> int | None:
        """Wait for its end, and give the exit code; None when it goes on."""
        self._process.join(limit_s)
        return self._process.exitcode

    def stop(self) -> int | None:
        """End it in good order; return the exit code."""
        _ = self.peak_mib
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        return self.ended()


def _begin(log_path: str, crash_at: str) -> None:
    from darklaunch_shared.process import crash_points

    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    crash_points.choose_crash_point(crash_at)


def worker_main(log_path: str, crash_at: str, settings: dict[str, Any]) -> None:
    from darklaunch_workers.run import run_worker
    from darklaunch_workers.settings import WorkerSettings

    _begin(log_path, crash_at)
    sys.exit(run_worker(WorkerSettings(parent=os.getppid(), **settings)))


def comparator_main(log_path: str, crash_at: str, settings: dict[str, Any]) -> None:
    from darklaunch_comparator.run import run_comparator
    from darklaunch_comparator.settings import ComparatorSettings

    _begin(log_path, crash_at)
    sys.exit(run_comparator(ComparatorSettings(parent=os.getppid(), **settings)))


def app_main(log_path: str, crash_at: str, redis_url: str, requests: int, per_s: float, first: int) -> None:
    """Serve requests of its own making, then end as a server does."""
    from .hook import Hook

    _begin(log_path, crash_at)
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
    hook = Hook(redis_url)
    hook.begin()
    hook.asked = first
    for _ in range(requests):
        if stopping or os.getppid() == 1:
            break
        hook.ask(1)
        time.sleep(1 / per_s)
    hook.stop()

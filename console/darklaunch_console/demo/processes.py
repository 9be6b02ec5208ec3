"""The processes of the demo: real ones, each with a log, all ended when the demo is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from darklaunch_console.errors import ConsoleError

STOP_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class DemoProcess:
    """A process of the demo and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Ask the process to end, and kill it if it has not after 8 s."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def read_first_line(self) -> str:
        """Return the first line of the log, "" while there is none."""
        line, newline, _ = self.log.read_bytes().partition(b"\n")
        return line.decode(errors="replace") if newline else ""

    def check(self) -> None:
        """Raise ConsoleError with the end of the log if the process has ended."""
        code = self.process.poll()
        if code is not None:
            last = self.log.read_text(errors="replace").strip().splitlines()[-5:]
            raise ConsoleError(f"the demo's {self.name} ended with exit code {code}: {' | '.join(last) or 'no output'}")


@contextlib.contextmanager
def run_process(
    name: str, module: str, *arguments: str, logs: Path, environment: Mapping[str, str]
) -> Generator[DemoProcess]:
    """Run `python -m module` until the end of the block."""
    log = logs / f"{name}.log"
    with log.open("wb") as log_file:
        popen = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is the demo's to handle: it stops its processes in order
        )
    process = DemoProcess(name, popen, log)
    try:
        yield process
    finally:
        process.stop()


def wait_for_address(process: DemoProcess, limit_s: float = 20.0) -> str:
    """Wait for a shop's first line and return the address in it. Raises ConsoleError when it does not start."""
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        if line := process.read_first_line():
            return line.rpartition(" ")[2]
        process.check()
        time.sleep(0.02)
    raise ConsoleError(f"the demo's {process.name} did not start within {limit_s:g} s; its log is {process.log}")

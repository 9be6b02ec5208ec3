"""The processes of the demo: each a real one, each with its log, all gone when the demo is."""

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
    """A process of the demo and where it logs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """Ask it to finish what it does and end; end it when it does not."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """Give the first line it printed, "" as long as there is none."""
        line, newline, _ = self.log.read_bytes().partition(b"\n")
        return line.decode(errors="replace") if newline else ""

    def check(self) -> None:
        """Raise ConsoleError with the end of its log when it has ended."""
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
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,  # Ctrl-C is the demo's to handle: it stops its players in order
        )
    player = DemoProcess(name, process, log)
    try:
        yield player
    finally:
        player.stop()


def wait_for_address(player: DemoProcess, within_s: float = 20.0) -> str:
    """Wait for a shop's first line and give the address in it. Raises ConsoleError when it does not come up."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if line := player.said():
            return line.rpartition(" ")[2]
        player.check()
        time.sleep(0.02)
    raise ConsoleError(f"the demo's {player.name} did not start within {within_s:g} s; its log is {player.log}")

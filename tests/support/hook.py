"""Tools for tests of the hook: launches, what the hook wrote to Redis, real servers, and a proxy that loses replies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darklaunch_console.embedded import embedded_valkey
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.exchange import Exchange, unpack_exchange
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import ProducerCounters, unpack_counters

APPS = Path(__file__).with_name("apps")
BIN = Path(sys.executable).parent
PATIENCE_S = 90.0
PORT_ATTEMPTS = 3


def eventually(happened: Callable[[], Any], limit_s: float = PATIENCE_S) -> Any:
    """Return the first true value of `happened()`, or the last one when time is up."""
    give_up = time.monotonic() + limit_s
    while not (value := happened()) and time.monotonic() < give_up:
        time.sleep(0.02)
    return value


class Launch:
    """A launch on a real Redis, as an operator and a worker would see it."""

    def __init__(self, redis_url: str, name: str) -> None:
        self.name = name
        self.redis: RedisClient = connect(redis_url, client_name="darklaunch-test")
        self._revision = 0

    def publish(self, status: str = "active", percent: float = 100, **spec: Any) -> Launch:
        self._revision += 1
        state = LaunchState(
            self.name,
            LaunchStatus(status),
            percent=percent,
            hold=False,
            revision=self._revision,
            spec=LaunchSpec("http://shadow.invalid", **spec),
        )
        publish_launch(self.redis, state, lift_hold=False)
        return self

    def hold(self) -> None:
        self.redis.execute_command("HSET", keys.launch(self.name), "hold", "1")

    def exchanges(self) -> list[Exchange]:
        entries = self.redis.execute_command("XRANGE", keys.captures(self.name), "-", "+")
        return [unpack_exchange(pair_fields(fields)) for _, fields in entries]

    def counters(self) -> list[ProducerCounters]:
        stored = pair_fields(self.redis.execute_command("HGETALL", keys.producers(self.name)))
        return [unpack_counters(packed) for packed in stored.values()]

    def hooks(self) -> list[dict[str, Any]]:
        """Return what the processes whose hook samples this launch report about themselves."""
        stored = pair_fields(self.redis.execute_command("HGETALL", keys.HOOKS))
        about = [json.loads(record.partition(b" ")[2]) for record in stored.values()]
        return [process for process in about if self.name in process.get("launches", ())]

    def ledger(self, counter: str) -> int:
        """Return the sum of a counter over all producers: `sampled`, `seq`, `dropped:REASON` or `skipped:REASON`."""
        name, _, reason = counter.partition(":")
        values = [getattr(counters, name) for counters in self.counters()]
        return sum(value.get(reason, 0) if reason else value for value in values)


def assert_balanced(launch: Launch) -> None:
    """Assert, once all producers have ended, that every number is on the stream once and every exchange is counted."""
    ids = [exchange.id for exchange in launch.exchanges()]
    assert len(ids) == len(set(ids))
    for counters in launch.counters():
        numbers = sorted(int(id_.partition(":")[2]) for id_ in ids if id_.startswith(f"{counters.producer}:"))
        assert numbers == list(range(1, counters.seq + 1))
        assert counters.sampled == counters.seq + sum(counters.dropped.values())


@contextlib.contextmanager
def own_redis() -> Generator[str]:
    """Run a Redis for one test module: every hook on a Redis samples for every launch that is active there."""
    with embedded_valkey() as valkey:
        yield valkey.url


@dataclass(frozen=True)
class Served:
    """A server process and the port it listens on."""

    port: int
    process: subprocess.Popen[bytes]
    log_path: Path

    def ask(self, request: bytes | str, *, limit_s: float = PATIENCE_S) -> bytes:
        """Send a raw request on a connection of its own and return everything that comes back."""
        with self.connect(request, limit_s=limit_s) as connection:
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def connect(self, request: bytes | str, *, limit_s: float = PATIENCE_S) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), limit_s)
        connection.sendall(request.encode() if isinstance(request, str) else request)
        return connection

    def get(self, target: str, *headers: str, method: str = "GET", body: bytes = b"", raw: bytes = b"") -> bytes:
        """Send a request; `body` gets a Content-Length, `raw` goes out as it is."""
        lines = [f"{method} {target} HTTP/1.1", "Host: shop.example", "Connection: close", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return self.ask("\r\n".join([*lines, "", ""]).encode("latin-1") + body + raw)

    def log(self) -> str:
        return self.log_path.read_text()

    def stop(self) -> int:
        """Ask the server to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def serving(command: list[str], log_path: Path, env: dict[str, str]) -> Generator[Served]:
    """Run a server that accepts connections; `{port}` in the command becomes a free port.

    Between the choice of a port and the start of the server another process may take it; then it starts on another.
    """
    served = _start(command, log_path, env)
    for _ in range(PORT_ATTEMPTS - 1):
        if _becomes_ready(served) or "already in use" not in served.log().lower():
            break
        _end(served.process)
        served = _start(command, log_path, env)
    try:
        assert _becomes_ready(served), served.log()
        yield served
    finally:
        _end(served.process)


def _start(command: list[str], log_path: Path, env: dict[str, str]) -> Served:
    port = free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("DARKLAUNCH_", "PYTEST", "COV"))
    }
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [word.replace("{port}", str(port)) for word in command],
            stdout=log,
            stderr=log,
            env={**environment, "PYTHONUNBUFFERED": "1", **env},
            cwd=APPS,
        )
    return Served(port, process, log_path)


def _becomes_ready(served: Served) -> bool:
    eventually(lambda: served.process.poll() is not None or _listens(served.port))
    return served.process.poll() is None and _listens(served.port)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def stopped(pid: int) -> Generator[None]:
    """Stop a process for the block. What asks its server meanwhile is answered by another worker."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def ask_until_two_listen(served: Served, launch: Launch, target: str = "/pid") -> bool:
    """Ask a server with two workers until the hooks of both have started, which they do at a worker's first request.

    Left to themselves, one worker may accept every connection.
    """

    def two_listen() -> bool:
        hooks = launch.hooks()
        if len(hooks) == 1:
            with stopped(hooks[0]["pid"]):
                served.get(target)
        elif not hooks:
            served.get(target)
        return len(hooks) == 2

    return bool(eventually(two_listen))


def ask_until_each_captured(served: Served, launch: Launch, target: str) -> bool:
    """Ask each worker of a server alone until all have put an exchange on the stream."""

    def each_captured() -> bool:
        hooks = launch.hooks()
        for process in hooks:
            with stopped(process["pid"]):
                assert b"200 OK" in served.get(target)
        return len({exchange.id.partition(":")[0] for exchange in launch.exchanges()}) == len(hooks)

    return bool(eventually(each_captured))


def uvicorn(app: str, *options: str) -> list[str]:
    """Return a uvicorn's command. One with several workers kills none that is slow to start on a busy machine."""
    command = [str(BIN / "uvicorn"), app, "--host", "127.0.0.1", "--port", "{port}", "--no-access-log"]
    return [*command, "--timeout-worker-healthcheck", str(int(PATIENCE_S)), *options]


def gunicorn(app: str, *options: str) -> list[str]:
    """Return a gunicorn's command. It waits for a worker that hangs for longer than `Served.stop` waits."""
    patience = str(int(2 * PATIENCE_S))
    command = [str(BIN / "gunicorn"), app, "--bind", "127.0.0.1:{port}", "--no-control-socket"]
    return [*command, "--timeout", patience, "--graceful-timeout", patience, *options]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class LossyProxy:
    """A TCP proxy in front of Redis. While `mute` it passes requests and loses the replies; once closed it refuses.

    With `mute_at_write` it becomes mute when the next batch of exchanges passes. `passed` are all requests so far.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.mute = self.mute_at_write = False
        self.passed = b""
        self._target_port = target_port
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        listener, self._listener = self._listener, None
        for connection in [*([listener] if listener else []), *self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target_port))
            self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        try:
            while data := source.recv(65536):
                if is_request:
                    self.passed += data
                    self.mute |= self.mute_at_write and b":captures" in data
                if is_request or not self.mute:
                    sink.sendall(data)
        except OSError:
            pass
        for connection in (source, sink):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

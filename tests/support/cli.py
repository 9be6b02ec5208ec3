"""The command line under test: in this process, or as a real command."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from click.testing import CliRunner, Result
from darklaunch_console.cli.program import program
from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.producer_counters import ProducerCounters, pack_counters

from tests.support.pack_exchange import pack_exchange

NO_SERVERS = dict.fromkeys(("REDIS_URL", "DARKLAUNCH_REDIS_URL", "DATABASE_URL", "DARKLAUNCH_DATABASE_URL"))
COMMAND = [sys.executable, "-m", "darklaunch_console"]


@dataclass(frozen=True)
class Cli:
    """The commands, told where the servers are by the environment."""

    redis_url: str | None
    postgres_dsn: str | None
    home: str

    @property
    def environment(self) -> dict[str, str | None]:
        return {
            **NO_SERVERS,
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.postgres_dsn,
            "DARKLAUNCH_HOME": self.home,
            "DARKLAUNCH_DEBUG": None,
        }

    def run(self, *arguments: str, stdin: str | None = None, **environment: str | None) -> Result:
        """Run a command in this process."""
        told = {**self.environment, **environment}
        result = CliRunner().invoke(program, arguments, stdin, env=told, prog_name="darklaunch")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ok(self, *arguments: str) -> str:
        """Run a command that must succeed and give what it prints."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and give the object it prints."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def error(self, *arguments: str, code: int, **environment: str | None) -> str:
        """Run a command that must fail with a code and one line on stderr, nothing on stdout; give the line."""
        result = self.run(*arguments, **environment)
        assert result.exit_code == code, result.output
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        return line

    def process(self, *arguments: str, **environment: str | None) -> dict:
        """Return the arguments of `subprocess` for a real command."""
        given = {**os.environ, **self.environment, **environment}
        return {
            "args": [*COMMAND, *arguments],
            "env": {name: value for name, value in given.items() if value is not None},
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }


@contextlib.contextmanager
def redis_client(url: str) -> Generator[RedisClient]:
    client = connect(url, client_name="tests")
    try:
        yield client
    finally:
        client.close()


@contextlib.contextmanager
def http_server(status: int = 200, headers: dict[str, str] | None = None) -> Generator["Shadow"]:
    """Run a server that answers every GET, and keeps the headers it was sent."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Shadow(f"http://127.0.0.1:{server.server_address[1]}", seen)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Shadow:
    url: str
    seen: list[dict[str, str]]


def unwrap(text: str) -> str:
    """Return printed text on one line, so that a sentence can be found wherever it was wrapped."""
    return " ".join(text.split())


def closed_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def exchange(launch: str, number: int, *, origin: str = "http://shop.test", at_ms: int = 1_790_000_000_000) -> Exchange:
    request = Request("GET", f"/orders/{number}", origin, (("accept", "*/*"),), b"")
    answer = Response(200, (("content-type", "application/json"),), b'{"id":1}', 4.0)
    return Exchange(f"p1:{number}", launch, at_ms, "GET /orders/{id}", request, answer)


def fields(launch: str, number: int, **more) -> list[bytes]:
    """Return a captured exchange as XADD's arguments."""
    return [part for pair in pack_exchange(exchange(launch, number, **more)).items() for part in pair]


def counters(producer: str = "p1", *, seq: int, sampled: int, at_ms: int = 1, closed: bool = False, **dropped: int):
    """Return a producer's counters as its hook writes them."""
    return pack_counters(ProducerCounters(producer, 0, at_ms, seq, sampled, dropped, {}, closed))

"""The Redis and the Postgres that tests run against: chosen once per run, started once, only when a test wants them.

The order: DARKLAUNCH_TEST_REDIS_URL and DARKLAUNCH_TEST_DATABASE_URL, for each store on its own; else Docker, when a
daemon answers; else the embedded servers. With xdist the controlling process starts them and the workers ask it for the
addresses, through two small files in a private directory: `wanted` goes there, `answer` comes back.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from darklaunch_console.embedded import embedded_servers

REDIS_IMAGE = "valkey/valkey:8-alpine"
POSTGRES_IMAGE = "postgres:17-alpine"
PROBE_LIMIT_S = 0.5
DOCKER_READY_LIMIT_S = 60.0
ANSWER_LIMIT_S = 300.0
"""Docker may have to fetch images first."""


@dataclass(frozen=True, slots=True)
class SharedServers:
    """Addresses of the two stores, and where they come from, in words."""

    redis_url: str
    postgres_url: str
    origin: str


class Keeper:
    """Starts the servers, on a thread of its own, when the first test wants them; stops them when the run is over."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="dl-tests-"))
        self.outcome = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="test-servers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)
        shutil.rmtree(self.path, ignore_errors=True)

    def _keep(self) -> None:
        while not (self.path / "wanted").exists():
            if self._over.wait(0.02):
                return
        try:
            with chosen_servers() as servers:
                self.outcome = describe(servers)
                self._answer(asdict(servers))
                self._over.wait()
        except Exception as error:
            self.outcome = f"none, {error}"
            self._answer({"error": str(error)})

    def _answer(self, answer: dict[str, str]) -> None:
        (self.path / "answer.new").write_text(json.dumps(answer))
        (self.path / "answer.new").rename(self.path / "answer")


def want(path: Path) -> None:
    """Ask the keeper to start the servers, if it has not yet."""
    (path / "wanted").touch()


def wait_for_servers(path: Path) -> SharedServers:
    """Return the addresses, waiting until the keeper has them. Raises RuntimeError when no servers could be had."""
    want(path)
    give_up = time.monotonic() + ANSWER_LIMIT_S
    while not (path / "answer").exists():
        if time.monotonic() > give_up:
            raise RuntimeError(f"No servers for the tests after {ANSWER_LIMIT_S:.0f} s.")
        time.sleep(0.02)
    answer = json.loads((path / "answer").read_text())
    if "error" in answer:
        raise RuntimeError(f"No servers for the tests: {answer['error']}")
    return SharedServers(**answer)


@contextlib.contextmanager
def chosen_servers() -> Generator[SharedServers]:
    """Choose, start and stop."""
    redis_url = os.environ.get("DARKLAUNCH_TEST_REDIS_URL")
    postgres_url = os.environ.get("DARKLAUNCH_TEST_DATABASE_URL")
    if redis_url and postgres_url:
        yield SharedServers(redis_url, postgres_url, plan())
        return
    given = (
        "DARKLAUNCH_TEST_REDIS_URL and " if redis_url else "DARKLAUNCH_TEST_DATABASE_URL and " if postgres_url else ""
    )
    with contextlib.ExitStack() as stack:
        trouble = ""
        if docker := docker_address():
            try:
                servers = stack.enter_context(_docker_servers(docker, redis_url, postgres_url))
            except Exception as error:
                trouble = f" (Docker answers, but: {(str(error) or repr(error)).splitlines()[0]})"
            else:
                yield SharedServers(*servers, f"{given}Docker ({REDIS_IMAGE}, {POSTGRES_IMAGE})")
                return
        embedded = stack.enter_context(embedded_servers(keep=False, redis_url=redis_url, postgres_url=postgres_url))
        yield SharedServers(embedded.redis_url, embedded.postgres_url, f"{given}embedded{trouble}")


def plan() -> str:
    """Return what `chosen_servers` is going to choose, for the header of the run."""
    given = [name for name in ("DARKLAUNCH_TEST_REDIS_URL", "DARKLAUNCH_TEST_DATABASE_URL") if os.environ.get(name)]
    if len(given) == 2:
        return " and ".join(given)
    return " and ".join([*given, "Docker" if docker_address() else "embedded (no Docker daemon answers)"])


def describe(servers: SharedServers) -> str:
    """Return the origin with the versions that really answer."""
    with redis.Redis.from_url(servers.redis_url) as client:
        info: dict[str, Any] = client.info("server")
    cache = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"
    with psycopg.connect(servers.postgres_url) as connection:
        version = connection.info.parameter_status("server_version")
    return f"{servers.origin}: {cache}, Postgres {version}"


def docker_address() -> str | None:
    """Return where a Docker daemon answers a ping, within half a second for each address that may be one."""
    return next((address for address in _docker_addresses() if _ping(address)), None)


def _docker_addresses() -> list[str]:
    if chosen := os.environ.get("DOCKER_HOST"):
        return [chosen]
    candidates = ["/var/run/docker.sock", "~/.docker/run/docker.sock", "~/.docker/desktop/docker.sock"]
    if runtime_dir := os.environ.get("XDG_RUNTIME_DIR"):
        candidates.append(f"{runtime_dir}/docker.sock")
    return [f"unix://{path}" for path in map(os.path.expanduser, candidates) if os.path.exists(path)]


def _ping(address: str) -> bool:
    url = urlsplit(address)
    try:
        with contextlib.closing(_connect(address)) as connection:
            if os.environ.get("DOCKER_TLS_VERIFY"):
                return True  # testcontainers brings the certificates
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except (OSError, ValueError):
        return url.scheme == "ssh"  # nothing quick to ask


def _connect(address: str) -> socket.socket:
    url = urlsplit(address)
    if url.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PROBE_LIMIT_S)
        try:
            connection.connect(url.path)
        except BaseException:
            connection.close()
            raise
        return connection
    if url.scheme not in {"tcp", "http", "https"}:
        raise ValueError(address)
    return socket.create_connection((url.hostname or "127.0.0.1", url.port or 2375), PROBE_LIMIT_S)


@contextlib.contextmanager
def _docker_servers(docker: str, redis_url: str | None, postgres_url: str | None) -> Generator[tuple[str, str]]:
    os.environ.setdefault("DOCKER_HOST", docker)  # Docker Desktop and rootless Docker listen elsewhere than by default
    from testcontainers.core.container import DockerContainer

    password = secrets.token_urlsafe(16)
    with contextlib.ExitStack() as stack:
        if not redis_url:
            command = f"valkey-server --save '' --requirepass {password}"
            container = stack.enter_context(DockerContainer(REDIS_IMAGE).with_command(command).with_exposed_ports(6379))
            redis_url = f"redis://:{password}@{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"
        if not postgres_url:
            container = DockerContainer(POSTGRES_IMAGE).with_command("-c fsync=off").with_exposed_ports(5432)
            stack.enter_context(container.with_env("POSTGRES_PASSWORD", password))
            host = f"{container.get_container_host_ip()}:{container.get_exposed_port(5432)}"
            postgres_url = f"postgresql://postgres:{password}@{host}/postgres"
        _wait_until_ready(redis_url, postgres_url)
        yield redis_url, postgres_url


def _wait_until_ready(redis_url: str, postgres_url: str) -> None:
    give_up = time.monotonic() + DOCKER_READY_LIMIT_S
    while True:
        try:
            with redis.Redis.from_url(redis_url) as client:
                client.ping()
            psycopg.connect(postgres_url, connect_timeout=5).close()
        except (redis.RedisError, psycopg.OperationalError):
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
        else:
            return

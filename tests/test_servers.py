import contextlib
import socketserver
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict

from .support.databases import dsn_of
from .support.servers import Keeper, chosen_servers, docker_address, plan, wait_for_servers

GIVEN = ("DARKLAUNCH_TEST_REDIS_URL", "DARKLAUNCH_TEST_DATABASE_URL")


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    for name in (*GIVEN, "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


@contextlib.contextmanager
def listener(answer):
    """Listen on a Unix socket as a Docker daemon does; `answer` maps a request's first line to a status and a body."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            first_line = self.rfile.readline().decode()
            while self.rfile.readline().strip():
                pass
            status, body = answer(first_line)
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.wfile.write(head.encode() + body)

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "docker.sock"
        with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield f"unix://{path}"
            finally:
                server.shutdown()
                thread.join()


def test_given_addresses_come_first_and_nothing_is_started(monkeypatch):
    monkeypatch.setenv(GIVEN[0], "redis://mine")
    monkeypatch.setenv(GIVEN[1], "postgresql://mine")
    with chosen_servers() as servers:
        assert (servers.redis_url, servers.postgres_url) == ("redis://mine", "postgresql://mine")
    assert plan() == servers.origin == "DARKLAUNCH_TEST_REDIS_URL and DARKLAUNCH_TEST_DATABASE_URL"


def test_one_given_address_is_used_beside_an_embedded_server(monkeypatch, own_valkey):
    monkeypatch.setenv(GIVEN[0], own_valkey.url)
    with chosen_servers() as servers:
        assert servers.redis_url == own_valkey.url
        psycopg.connect(servers.postgres_url).close()
    assert servers.origin == "DARKLAUNCH_TEST_REDIS_URL and embedded"
    assert plan() == "DARKLAUNCH_TEST_REDIS_URL and embedded (no Docker daemon answers)"


def test_without_docker_the_servers_are_embedded():
    assert docker_address() is None
    assert plan() == "embedded (no Docker daemon answers)"


def test_a_socket_that_is_no_docker_daemon_is_not_taken_for_one(monkeypatch):
    with listener(lambda _: ("404 Not Found", b"")) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert docker_address() is None


def test_a_docker_daemon_that_cannot_run_our_images_gives_way_and_is_named(monkeypatch):
    def daemon(first_line):
        return ("200 OK", b"OK") if "/_ping" in first_line else ("500 Internal Server Error", b'{"message": "no disk"}')

    with listener(daemon) as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        assert plan() == "Docker"
        with chosen_servers() as servers, redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
    assert servers.origin.startswith("embedded (Docker answers, but: ")


def test_when_no_servers_can_be_had_tests_fail_with_the_reason(monkeypatch):
    monkeypatch.setenv(GIVEN[0], "redis://127.0.0.1:1")
    monkeypatch.setenv(GIVEN[1], "postgresql://127.0.0.1:1/nowhere")
    keeper = Keeper()
    try:
        with pytest.raises(RuntimeError, match=r"No servers for the tests: .*127\.0\.0\.1:1"):
            wait_for_servers(keeper.path)
    finally:
        keeper.stop()
    assert keeper.outcome.startswith("none, ")
    assert not keeper.path.exists()


@pytest.mark.parametrize(
    ("server", "database"),
    [
        ("postgresql://u:p@h:1/db?sslmode=disable", "postgresql://u:p@h:1/other?sslmode=disable"),
        ("host=h user=u dbname=db", "host=h user=u dbname=other"),
    ],
)
def test_the_address_of_another_database(server, database):
    assert conninfo_to_dict(dsn_of(server, "other")) == conninfo_to_dict(database)


def test_a_module_database_is_migrated_and_apart_from_another(postgres_dsn, own_postgres_dsn, empty_postgres_dsn):
    schemas = []
    for dsn in (postgres_dsn, own_postgres_dsn, empty_postgres_dsn):
        with psycopg.connect(dsn) as connection:
            query = "SELECT current_database(), to_regnamespace('darklaunch') IS NOT NULL"
            schemas.append(connection.execute(query).fetchone())
    names, migrated = zip(*schemas, strict=True)
    assert len(set(names)) == 3
    assert migrated == (True, True, False)

"""Sessions on servers and databases with habits of their own, and behind a pooler that has no session left."""

import contextlib
import socket
import threading
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from darklaunch_comparator.errors import UnfitEncoding
from darklaunch_comparator.store import connect
from darklaunch_comparator.store.connect import connect_session, connect_store
from darklaunch_comparator.store.explain_error import explain_postgres_error
from darklaunch_comparator.store.migrate import migrate
from psycopg import sql

from tests.support.cli import Cli

READY = b"Z\x00\x00\x00\x05I"


def set_habits(dsn: str, **settings: str) -> None:
    """Set defaults of the database, which every later session begins with."""
    with psycopg.connect(dsn, autocommit=True) as owner:
        name = sql.Identifier(owner.info.dbname)
        for setting, value in settings.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            owner.execute(statement.format(name, sql.Identifier(setting), sql.Literal(value)))


def test_a_databases_own_formats_change_nothing_for_us(own_postgres_dsn: str) -> None:
    set_habits(own_postgres_dsn, datestyle="German", intervalstyle="sql_standard", timezone="Asia/Tokyo",
               client_encoding="LATIN1")  # fmt: skip
    moment = datetime(2026, 2, 1, 23, 30, tzinfo=UTC)
    query = "SELECT %s::timestamptz, '1 day 2 hours'::interval, %s::text"
    for connection in (
        connect_store(own_postgres_dsn, name="darklaunch-test"),
        connect_session(own_postgres_dsn, name="darklaunch-test"),
    ):
        with connection:
            row = connection.execute(query, (moment, "naïve 🙂")).fetchone()
            assert row == (moment, timedelta(days=1, hours=2), "naïve 🙂")


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_transaction_sees_what_others_commit_whatever_isolation_the_role_is_set_to(
    own_postgres_dsn: str, level: str
) -> None:
    set_habits(own_postgres_dsn, default_transaction_isolation=level)
    count = "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'made_meanwhile'"
    for open_connection in (connect_store, connect_session):
        with psycopg.connect(own_postgres_dsn, autocommit=True) as other:
            other.execute("DROP TABLE IF EXISTS made_meanwhile")
            with open_connection(own_postgres_dsn, name="darklaunch-test") as connection, connection.transaction():
                assert connection.execute(count).fetchone() == (0,)
                other.execute("CREATE TABLE made_meanwhile ()")
                assert connection.execute(count).fetchone() == (1,), open_connection.__name__


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_keep_utf_8_is_refused_by_migrate_and_doctor(
    own_postgres_dsn: str, redis_url: str, tmp_path: object, encoding: str
) -> None:
    name = f"dl_{encoding.lower()}_{id(tmp_path)}"
    with psycopg.connect(own_postgres_dsn, autocommit=True) as owner:
        create = "CREATE DATABASE {} ENCODING {} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc"
        owner.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            dsn = urlsplit(own_postgres_dsn)._replace(path=f"/{name}").geturl()
            with pytest.raises(UnfitEncoding, match=f"stores text as {encoding}, in which responses cannot be kept"):
                migrate(dsn)
            cli = Cli(redis_url, dsn, str(tmp_path))
            assert f"stores text as {encoding}" in cli.error("migrate", code=3)
            assert f"stores text as {encoding}" in cli.run("doctor").stdout
        finally:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def pooler_without_sessions(dsn: str) -> Generator[str]:
    """Forward a connection until it is ready, and nothing that its client sends from then on."""
    server = urlsplit(dsn)

    def pump(source: socket.socket, target: socket.socket, stop_at: bytes, ready: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if stop_at and ready.is_set():
                    continue
                target.sendall(data)
                if READY in data:
                    ready.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        sockets: list[socket.socket] = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    upstream = socket.create_connection((server.hostname or "", server.port or 0))
                    sockets.extend((client, upstream))
                    ready = threading.Event()
                    for pair in ((client, upstream, b"client"), (upstream, client, b"")):
                        threading.Thread(target=pump, args=(*pair, ready), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            credentials = server.netloc.rpartition("@")[0]
            yield server._replace(netloc=f"{credentials}@127.0.0.1:{listener.getsockname()[1]}").geturl()
        finally:
            for each in sockets:
                each.close()


def test_a_pooler_without_a_session_left_is_said_within_the_limit_of_connecting(
    own_postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_TIMEOUT_S", 1)
    with pooler_without_sessions(own_postgres_dsn) as dsn:
        with pytest.raises(psycopg.OperationalError, match="sent nothing for 1 s") as refused:
            connect_session(dsn, name="darklaunch-test")
        assert "gave it no session in time" in explain_postgres_error(refused.value, dsn).text

"""Ways to take Postgres away from those who use it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@contextmanager
def locked(dsn: str, table: str, mode: str = "ACCESS EXCLUSIVE") -> Generator[None]:
    """Keep a lock on a table for the block."""
    with psycopg.connect(dsn) as connection:
        name = sql.Identifier(*table.split("."))
        connection.execute(sql.SQL("LOCK TABLE {} IN {} MODE").format(name, sql.SQL(mode)))
        yield
        connection.rollback()


@contextmanager
def shut_out(dsn: str) -> Generator[None]:
    """Refuse connections to a database, and end those there are, for the block."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as admin:
        admin.execute(statement.format(sql.Identifier(name), sql.SQL("false")))
        try:
            cut_off(dsn)
            yield
        finally:
            admin.execute(statement.format(sql.Identifier(name), sql.SQL("true")))


def cut_off(dsn: str) -> int:
    """End all connections to a database but our own, and give how many there were."""
    query = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as admin:
        row = admin.execute(query, [conninfo_to_dict(dsn)["dbname"]]).fetchone()
    return int(row[0]) if row else 0

"""Fresh Postgres databases for tests: migrated once per process, then copied from that template."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Generator
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo


@contextlib.contextmanager
def fresh_database(server_dsn: str, template: str | None = None) -> Generator[tuple[str, str]]:
    """Create a database with a random name, give (name, DSN), drop it at the end, whoever is still connected."""
    name = f"dl_{secrets.token_hex(6)}"
    copy = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
    _execute(server_dsn, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copy)
    try:
        yield name, dsn_of(server_dsn, name)
    finally:
        _execute(server_dsn, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def dsn_of(server_dsn: str, database: str) -> str:
    """Return the DSN of another database on the same server, a URL when it was a URL."""
    if "://" not in server_dsn:
        return make_conninfo(server_dsn, dbname=database)
    return urlsplit(server_dsn)._replace(path=f"/{database}").geturl()


def _execute(server_dsn: str, statement: sql.Composed) -> None:
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(statement)

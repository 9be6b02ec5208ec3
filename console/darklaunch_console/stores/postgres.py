"""The stores as commands open them; whatever is wrong with Postgres becomes one line that says what to do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from typing import Any, Final

import psycopg
from darklaunch_comparator.errors import DatabaseTooNew, MigrationChanged, ServerTooOld
from darklaunch_comparator.errors import NotMigrated as SchemaMissing
from psycopg.conninfo import conninfo_to_dict

from darklaunch_console.errors import AccessRefused, BadUsage, ConsoleError, DatabaseNotMigrated, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings, ServerAddress

from .redis import UP, explain_redis, name_redis, open_redis

__all__ = [
    "Connection",
    "explain_postgres",
    "explain_redis",
    "name_postgres",
    "name_redis",
    "open_postgres",
    "open_redis",
    "require_database",
]  # fmt: skip

CONNECT_TIMEOUT_S: Final = 5

Connection = psycopg.Connection[tuple[Any, ...]]


@contextlib.contextmanager
def open_postgres(settings: ConsoleSettings) -> Generator[Connection]:
    """Give a Postgres connection, autocommit off. Raises ServerUnreachable, DatabaseNotMigrated or ConsoleError."""
    address = require_database(settings)
    try:
        with psycopg.connect(
            address.url, connect_timeout=CONNECT_TIMEOUT_S, application_name="darklaunch-cli"
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise explain_postgres(error, address) from error
    except (ServerTooOld, DatabaseTooNew, MigrationChanged, SchemaMissing) as unfit:
        raise DatabaseNotMigrated(str(unfit)) from unfit


def require_database(settings: ConsoleSettings) -> ServerAddress:
    """Return the database's address. Raises ServerUnreachable when none is named."""
    if settings.database:
        return settings.database
    raise ServerUnreachable(f"no Postgres is named. Set DATABASE_URL to postgresql://USER@HOST:PORT/DATABASE, {UP}")


def name_postgres(address: ServerAddress) -> str:
    """Say which Postgres it is, without user and password: `Postgres at 127.0.0.1:5432`."""
    try:
        parts = conninfo_to_dict(address.url)
    except psycopg.Error:
        return "Postgres"
    host = str(parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "its local socket")
    port = parts.get("port") or os.environ.get("PGPORT") or 5432
    return f"Postgres at {f'[{host}]' if ':' in host else host}:{port}"


def explain_postgres(error: psycopg.Error, address: ServerAddress) -> ConsoleError:
    """Turn a Postgres error into the one to show. libpq's own words are in English or in the server's language."""
    where, source = name_postgres(address), address.source
    text = " ".join(str(error).split())
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return DatabaseNotMigrated(f"{where} has no darklaunch tables yet ({source}). Run `darklaunch migrate`")
    if isinstance(error, psycopg.errors.UndefinedColumn | psycopg.errors.UndefinedFunction):
        return DatabaseNotMigrated(f"{where} has the tables of another release ({source}). Run `darklaunch migrate`")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        user = conninfo_to_dict(address.url).get("user") or "this user"
        remedy = f"As the role that owns the tables: darklaunch migrate --runtime-role {user}"
        return ServerUnreachable(f"{where} does not let {user} do that ({source}): {_first(error)}. {remedy}")
    if not isinstance(error, psycopg.OperationalError):
        if error.sqlstate is None:  # libpq could not read it; its words may quote the password
            return BadUsage(f"{source} is not the URL of a Postgres: write postgresql://USER@HOST:PORT/DATABASE")
        return ConsoleError(f"{where} answered: {_first(error)} ({source})")
    for sign, words, remedy in _CONNECTING:
        if sign in text:
            kind = AccessRefused if remedy.startswith(("Correct", "Put", "Create")) else ServerUnreachable
            return kind(f"{where} {words} ({source}). {remedy}")
    return ServerUnreachable(f"{where} cannot be used ({source}): {text.rpartition('FATAL: ')[2].strip()}")


_URL: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_CONNECTING: Final = (
    ("Connection refused", "refused the connection", f"Start it, set DATABASE_URL, {UP}"),
    ("No such file or directory", "is not there", f"Start it, set DATABASE_URL, {UP}"),
    ("failed to resolve", "has a name that does not resolve", "Correct DATABASE_URL"),
    ("could not translate host name", "has a name that does not resolve", "Correct DATABASE_URL"),
    ("timeout expired", "did not answer in time", "Check that it runs and that this machine may reach it"),
    ("password authentication failed", "refused the user or password", f"Correct it: {_URL}"),
    ("no password supplied", "wants a password", f"Put it into the URL: {_URL}"),
    ("does not exist", "has no such database or user", "Create it (createdb NAME), or correct DATABASE_URL"),
    ("too many", "has no connection left", "Raise max_connections, or stop what is not needed"),
    ("starting up", "is starting up", "Try again in a moment"),
    ("shutting down", "is shutting down", "Start it again"),
)


def _first(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error).partition("\n")[0]).strip()

"""Postgres as commands open it; an error becomes one line that says what happened and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, Final

import psycopg
from darklaunch_comparator.errors import DatabaseTooNew, MigrationChanged, ServerTooOld, SharedSessions, UnfitEncoding
from darklaunch_comparator.errors import NotMigrated as SchemaMissing
from darklaunch_comparator.store.connect import connect_session
from darklaunch_comparator.store.explain_error import PostgresProblem, describe_server, explain_postgres_error

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

Connection = psycopg.Connection[tuple[Any, ...]]


@contextlib.contextmanager
def open_postgres(settings: ConsoleSettings) -> Generator[Connection]:
    """Connect to Postgres, autocommit off, and yield the connection.

    Raises ServerUnreachable, DatabaseNotMigrated or ConsoleError, also for errors in the block.
    """
    address = require_database(settings)
    try:
        with connect_session(address.url, name="darklaunch-cli") as connection:
            yield connection
    except psycopg.Error as error:
        raise explain_postgres(error, address) from error
    except (ServerTooOld, SharedSessions, UnfitEncoding, DatabaseTooNew, MigrationChanged, SchemaMissing) as unfit:
        raise DatabaseNotMigrated(str(unfit)) from unfit


def require_database(settings: ConsoleSettings) -> ServerAddress:
    """Return the database's address. Raises ServerUnreachable when none is named."""
    if settings.database:
        return settings.database
    raise ServerUnreachable(f"no Postgres is named. Set DATABASE_URL to postgresql://USER@HOST:PORT/DATABASE, {UP}")


def name_postgres(address: ServerAddress) -> str:
    """Return which Postgres it is, without user and password: `Postgres at 127.0.0.1:5432`."""
    return describe_server(address.url)


def explain_postgres(error: psycopg.Error, address: ServerAddress) -> ConsoleError:
    """Return the error to show for a Postgres error: which Postgres, what happened, what to do."""
    explanation = explain_postgres_error(
        error, address.url, source=address.source, start_advice=f"Start it, set DATABASE_URL, {UP}"
    )
    return _ERRORS.get(explanation.problem, ConsoleError)(explanation.text)


_ERRORS: Final = {
    PostgresProblem.BAD_URL: BadUsage,
    PostgresProblem.UNREACHABLE: ServerUnreachable,
    PostgresProblem.ACCESS_REFUSED: AccessRefused,
    PostgresProblem.NOT_MIGRATED: DatabaseNotMigrated,
    PostgresProblem.NOT_PERMITTED: ServerUnreachable,
}
"""The console's error for each problem, and with it the exit code; any other is a ConsoleError."""

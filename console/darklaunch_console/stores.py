"""Redis and Postgres as commands open them; whatever is wrong becomes one line that says what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Generator
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from darklaunch_shared.connect import Client, connect
from psycopg.conninfo import conninfo_to_dict
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from .errors import BadUsage, ConsoleError, NotMigrated, Unreachable
from .settings import Address, Settings

CONNECT_TIMEOUT_S: Final = 5
UP: Final = "or run `darklaunch up` for an embedded one"

Connection = psycopg.Connection[tuple[Any, ...]]


@contextlib.contextmanager
def open_redis(settings: Settings) -> Generator[Client]:
    """Give a Redis that has answered a PING. Raises Unreachable for everything that goes wrong with it in the block."""
    address = settings.redis_or_default
    try:
        client = connect(address.url, client_name="darklaunch-cli")
    except (ValueError, TypeError):
        raise BadUsage(f"{address.source} is not the URL of a Redis: write redis://HOST:PORT/0") from None
    try:
        client.execute_command("PING")
        yield client
    except (RedisError, ConnectionError) as error:
        raise Unreachable(explain_redis(error, address)) from error
    finally:
        client.close()


@contextlib.contextmanager
def open_postgres(settings: Settings) -> Generator[Connection]:
    """Give a Postgres connection, autocommit off. Raises Unreachable, NotMigrated or ConsoleError."""
    address = named_database(settings)
    try:
        with psycopg.connect(
            address.url, connect_timeout=CONNECT_TIMEOUT_S, application_name="darklaunch-cli"
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise explain_postgres(error, address) from error


def named_database(settings: Settings) -> Address:
    """Return the database's address. Raises Unreachable when none is named."""
    if settings.database:
        return settings.database
    raise Unreachable(f"no Postgres is named. Set DATABASE_URL to postgresql://USER@HOST:PORT/DATABASE, {UP}")


def redis_at(address: Address) -> str:
    """Say which Redis it is, without user and password: `Redis at 127.0.0.1:6379`."""
    parts = urlsplit(address.url)
    if parts.scheme == "unix":
        return f"Redis at {parts.path}"
    host = parts.hostname or "localhost"
    return f"Redis at {f'[{host}]' if ':' in host else host}:{parts.port or 6379}"


def postgres_at(address: Address) -> str:
    """Say which Postgres it is, without user and password: `Postgres at 127.0.0.1:5432`."""
    try:
        parts = conninfo_to_dict(address.url)
    except psycopg.Error:
        return "Postgres"
    host = str(parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "its local socket")
    port = parts.get("port") or os.environ.get("PGPORT") or 5432
    return f"Postgres at {f'[{host}]' if ':' in host else host}:{port}"


def explain_redis(error: RedisError | OSError, address: Address) -> str:
    """Say what is wrong with a Redis and what to do."""
    where, source = redis_at(address), address.source or "REDIS_URL is not set"
    text = str(error)
    if isinstance(error, RedisTimeoutError):
        return f"{where} did not answer in time ({source}). Check that it runs and is not stopped or overloaded"
    if "invalid username-password" in text or "WRONGPASS" in text:
        return f"{where} refused the password ({source}). Correct it: redis://:PASSWORD@HOST:PORT/0"
    if isinstance(error, AuthenticationError) or "NOAUTH" in text or "Authentication required" in text:
        return f"{where} wants a password ({source}). Put it into the URL: redis://:PASSWORD@HOST:PORT/0"
    if isinstance(error, RedisConnectionError | OSError) and not isinstance(error, ResponseError):
        return f"{where} {_socket_trouble(text)} ({source}). Start it, set REDIS_URL, {UP}"
    return f"{where} answered: {text} ({source})"


def _socket_trouble(text: str) -> str:
    for number, words in (
        (errno.ECONNREFUSED, "refused the connection"),
        (errno.ENOENT, "is not there"),
        (errno.EHOSTUNREACH, "cannot be reached"),
        (errno.ENETUNREACH, "cannot be reached"),
    ):
        if f"Error {number} " in text or os.strerror(number) in text:
            return words
    if "Name or service not known" in text or "Temporary failure in name resolution" in text or "Error -" in text:
        return "has a name that does not resolve"
    return f"cannot be reached: {text.rstrip('.')}" if text else "closed the connection"


def explain_postgres(error: psycopg.Error, address: Address) -> ConsoleError:
    """Turn a Postgres error into the one to show. libpq's own words are in English or in the server's language."""
    where, source = postgres_at(address), address.source
    text = " ".join(str(error).split())
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return NotMigrated(f"{where} has no darklaunch tables yet ({source}). Run `darklaunch migrate`")
    if isinstance(error, psycopg.errors.UndefinedColumn | psycopg.errors.UndefinedFunction):
        return NotMigrated(f"{where} has the tables of another release ({source}). Run `darklaunch migrate`")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return Unreachable(f"{where} does not let this user do that ({source}): {_first(error)}")
    if not isinstance(error, psycopg.OperationalError):
        if error.sqlstate is None:  # libpq could not read it; its words may quote the password
            return BadUsage(f"{source} is not the URL of a Postgres: write postgresql://USER@HOST:PORT/DATABASE")
        return ConsoleError(f"{where} answered: {_first(error)} ({source})")
    for sign, words, remedy in _CONNECTING:
        if sign in text:
            return Unreachable(f"{where} {words} ({source}). {remedy}")
    return Unreachable(f"{where} cannot be used ({source}): {text.rpartition('FATAL: ')[2].strip()}")


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

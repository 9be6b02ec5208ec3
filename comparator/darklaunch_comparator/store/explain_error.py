"""Explain a Postgres error in one line: what is wrong with which server, and what to do. Passwords are never shown."""

import difflib
import os
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import psycopg
from darklaunch_shared.process.server_url import explain_unescaped
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import (
    InsufficientPrivilege,
    InvalidSchemaName,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedTable,
)
from psycopg.pq import Conninfo

from .connect import SENT_NOTHING


class PostgresProblem(Enum):
    """What kind of problem an error shows, for callers that treat them differently."""

    BAD_URL = auto()
    UNREACHABLE = auto()
    ACCESS_REFUSED = auto()
    NOT_MIGRATED = auto()
    NOT_PERMITTED = auto()
    STATEMENT_FAILED = auto()


@dataclass(frozen=True, slots=True)
class PostgresExplanation:
    """A kind of problem, and the line about it, without a full stop at its end."""

    problem: PostgresProblem
    text: str


_PARAMETER: Final = re.compile(r'invalid (?:URI query parameter|connection option)[: ]*"([A-Za-z0-9_-]{1,40})"')
_FOREIGN: Final = {
    "pgbouncer": "Prisma", "schema": "Prisma", "connection_limit": "Prisma", "pool_timeout": "Prisma",
    "socket_timeout": "Prisma", "sslaccept": "Prisma", "statement_cache_size": "asyncpg", "ssl": "JDBC and asyncpg",
    "currentSchema": "JDBC", "prepareThreshold": "JDBC", "pool_size": "SQLAlchemy", "search_path": "Go's pgx",
}  # fmt: skip
"""Parameters that other programs read from the same URL."""
_URL: Final = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_START: Final = "Start it, or set DATABASE_URL"
_CONNECTING: Final = (
    ("Connection refused", PostgresProblem.UNREACHABLE, "refused the connection", ""),
    ("No such file or directory", PostgresProblem.UNREACHABLE, "is not there", ""),
    ("failed to resolve", PostgresProblem.ACCESS_REFUSED, "has a name that does not resolve", "Correct DATABASE_URL"),
    (
        "could not translate host name",
        PostgresProblem.ACCESS_REFUSED,
        "has a name that does not resolve",
        "Correct DATABASE_URL",
    ),
    (
        "timeout expired",
        PostgresProblem.UNREACHABLE,
        "did not answer in time",
        "Check that it runs and that this machine may reach it",
    ),
    (
        "password authentication failed",
        PostgresProblem.ACCESS_REFUSED,
        "refused the user or password",
        f"Correct it: {_URL}",
    ),
    ("no password supplied", PostgresProblem.ACCESS_REFUSED, "wants a password", f"Put it into the URL: {_URL}"),
    (
        "does not exist",
        PostgresProblem.ACCESS_REFUSED,
        "has no such database or user",
        "Create it (createdb NAME), or correct DATABASE_URL",
    ),
    (
        "too many",
        PostgresProblem.UNREACHABLE,
        "has no connection left",
        "Raise max_connections, or stop what is not needed",
    ),
    (
        SENT_NOTHING,
        PostgresProblem.UNREACHABLE,
        "accepted a connection and gave it no session in time",
        "Its sessions, or those of a pooler before it, are all in use: allow more, or stop what is not needed",
    ),
    ("starting up", PostgresProblem.UNREACHABLE, "is starting up", "Try again in a moment"),
    ("shutting down", PostgresProblem.UNREACHABLE, "is shutting down", "Start it again"),
)
"""Signs in libpq's words, which carry no SQLSTATE; where the advice is "", it is the caller's `start_advice`."""


def explain_postgres_error(
    error: psycopg.Error, dsn: str, *, source: str = "DATABASE_URL", start_advice: str = _START
) -> PostgresExplanation:
    """Explain an error of the server at `dsn`; `source` is the setting that named it.

    `start_advice` is what to do about a server that does not run.
    """
    where = describe_server(dsn)
    if advice := explain_unescaped(dsn):  # what libpq took for a host or a database is a part of the password
        text = f"{source} is not the URL of a Postgres: {advice} in its password"
        return PostgresExplanation(PostgresProblem.BAD_URL, text)
    if isinstance(error, UndefinedTable | InvalidSchemaName):
        problem = PostgresProblem.NOT_MIGRATED
        text = f"{where} has no darklaunch tables yet ({source}). Run `darklaunch migrate`"
    elif isinstance(error, UndefinedColumn | UndefinedFunction):
        problem = PostgresProblem.NOT_MIGRATED
        text = f"{where} has the tables of another release ({source}). Run `darklaunch migrate`"
    elif isinstance(error, InsufficientPrivilege):
        user = conninfo_to_dict(dsn).get("user") or "this user"
        problem = PostgresProblem.NOT_PERMITTED
        text = (
            f"{where} does not let {user} do that ({source}): {_first_line(error)}. "
            f"As the role that owns the tables: darklaunch migrate --runtime-role {user}"
        )
    elif isinstance(error, psycopg.OperationalError):
        return _explain_connecting(error, where, source, start_advice)
    elif error.sqlstate is None:  # libpq cannot read the URL; its words may quote the password
        problem = PostgresProblem.BAD_URL
        advice = _explain_parameter(error) or "write postgresql://USER@HOST:PORT/DATABASE"
        text = f"{source} is not the URL of a Postgres: {advice}"
    else:
        problem = PostgresProblem.STATEMENT_FAILED
        text = f"{where} answered: {_first_line(error)} ({source})"
    return PostgresExplanation(problem, text)


def _explain_parameter(error: psycopg.Error) -> str:
    """Return which parameter of the URL libpq does not know, and what to do; "" if it complains of something else."""
    match = _PARAMETER.search(str(error))
    if match is None:
        return ""
    name = match[1]
    whose = f" (it is one of {_FOREIGN[name]})" if name in _FOREIGN else ""
    known = [default.keyword.decode() for default in Conninfo.get_defaults()]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near and not whose else "leave it out"
    return f"it has the parameter {name}, which Postgres does not know{whose}: {hint}"


def describe_server(dsn: str) -> str:
    """Name the server of a DSN without user and password: `Postgres at 127.0.0.1:5432`."""
    if explain_unescaped(dsn):
        return "Postgres"
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.Error:
        return "Postgres"
    host = str(parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST") or "its local socket")
    port = parts.get("port") or os.environ.get("PGPORT") or 5432
    return f"Postgres at {f'[{host}]' if ':' in host else host}:{port}"


def _explain_connecting(
    error: psycopg.OperationalError, where: str, source: str, start_advice: str
) -> PostgresExplanation:
    text = " ".join(str(error).split())
    for sign, problem, what, advice in _CONNECTING:
        if sign in text:
            return PostgresExplanation(problem, f"{where} {what} ({source}). {advice or start_advice}")
    detail = text.rpartition("FATAL: ")[2].strip()
    return PostgresExplanation(PostgresProblem.UNREACHABLE, f"{where} cannot be used ({source}): {detail}")


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error).partition("\n")[0]).strip()

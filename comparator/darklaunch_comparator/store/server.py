"""The Postgres server itself: its clock, the size of the schema, the rights of the current role, the leader's lock."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from psycopg import Connection, sql

from darklaunch_comparator.errors import SharedSessions

from .connect import connect_session
from .sql import load

_SQL: Final = load("server")
SESSION_TRIALS: Final = 5
"""On a busy pooler somebody else may take the session in between."""
LEADER_LOCK: Final = 0x646C_6C65_6164_6572  # "dlleader", distinct from other users' advisory locks in the database


@dataclass(frozen=True, slots=True)
class ServerClock:
    """The time on the server, and whether it is a read-only replica."""

    now: datetime
    is_replica: bool


@dataclass(frozen=True, slots=True)
class RolePrivileges:
    """What the current role can do in the schema.

    `missing` names up to five rights that a comparator needs and the role lacks, such as `INSERT on result`.
    """

    role: str
    missing: tuple[str, ...]
    may_create_tables: bool


def begin_snapshot(connection: Connection[Any]) -> None:
    """Begin a read-only transaction whose every statement reads the same instant. Call it outside a transaction."""
    connection.execute(_SQL["begin_snapshot"])


def limit_statements(connection: Connection[Any], limit_s: float) -> None:
    """Limit the statements of this transaction; a longer one is cancelled (psycopg.errors.QueryCanceled)."""
    connection.execute(_SQL["limit_statements"], {"timeout": f"{max(1, int(limit_s * 1000))}ms"})


def check_sessions(dsn: str) -> None:
    """Raise SharedSessions if connections share sessions, as behind a pooler in transaction mode. Raises psycopg.Error.

    A session has the leader's lock, the limits of statements and prepared statements. Behind such a pooler they go to
    whoever comes next: a mark set on one connection is seen on another.
    """
    mark = secrets.token_hex(8)
    with (
        connect_session(dsn, name="darklaunch-check") as first,
        connect_session(dsn, name="darklaunch-check") as second,
    ):
        for _ in range(SESSION_TRIALS):
            first.execute(_SQL["mark_session"], {"mark": mark})
            first.commit()
            seen = second.execute(_SQL["session_mark"]).fetchone()
            second.commit()
            if seen != (mark,):
                continue
            raise SharedSessions(
                "The pooler before Postgres gives one session to several connections (transaction mode), but the "
                "leader's lock belongs to a session. Set pool_mode = session for darklaunch, or set DATABASE_URL to "
                "Postgres itself"
            )


def try_to_lead(connection: Connection[Any]) -> bool:
    """Take the database's leader lock unless another session has it. It is free again when the connection ends."""
    return connection.execute(_SQL["lead"], {"lock": LEADER_LOCK}).fetchone() == (True,)


def read_server_clock(connection: Connection[Any]) -> ServerClock:
    """Read the server's clock, not the start of the transaction."""
    row = connection.execute(_SQL["clock"]).fetchone()
    assert row is not None
    return ServerClock(*row)


def read_schema_size(connection: Connection[Any]) -> int:
    """Read how many bytes the schema's tables and indexes take."""
    row = connection.execute(_SQL["size"]).fetchone()
    return 0 if row is None else int(row[0])


def read_role_privileges(connection: Connection[Any]) -> RolePrivileges:
    """Read which rights of a comparator the current role lacks."""
    row = connection.execute(_SQL["privileges"], {}).fetchone()
    assert row is not None
    role, missing, may_create_tables = row
    return RolePrivileges(role, tuple(missing), may_create_tables)


def ensure_database(connection: Connection[Any], name: str) -> None:
    """Create a database on this server unless there is one of that name. The connection must be in autocommit mode."""
    if connection.execute(_SQL["database_exists"], {"name": name}).fetchone() == (False,):
        statement = sql.SQL(cast(Any, _SQL["create_database"].decode()))
        connection.execute(statement.format(name=sql.Identifier(name)))

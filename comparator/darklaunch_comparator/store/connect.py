"""Connections to Postgres that cannot hang: bounded connecting, statements, lock waits and idle transactions.

A connection serves one thread. The kernel notices a dead peer: TCP keepalives, and a bound on unacknowledged data.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

CONNECT_TIMEOUT_S: Final = 5
_COMMITS_LAST: Final = (
    "SELECT set_config('synchronous_commit', 'local', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""Where the server is set to forget its last commits in a crash: what is committed here is acknowledged right after."""
_KEEPALIVE: Final[dict[str, Any]] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection's statements may take, wait for a lock, and leave a transaction idle, in seconds."""

    statement_s: float = 30.0
    lock_s: float = 10.0
    idle_s: float = 60.0


def connect_store(dsn: str, *, name: str, patience: Patience | None = None) -> Connection[TupleRow]:
    """Open an autocommit connection that shows as `name` in pg_stat_activity. Raises psycopg.Error."""
    bounds = patience or Patience()
    connection = psycopg.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=name, **_KEEPALIVE
    )
    try:
        for setting, seconds in (
            ("statement_timeout", bounds.statement_s),
            ("lock_timeout", bounds.lock_s),
            ("idle_in_transaction_session_timeout", bounds.idle_s),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", [setting, f"{int(seconds * 1000)}ms"])
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute(_COMMITS_LAST)
    except BaseException:
        connection.close()
        raise
    return connection


def explain_store(error: psycopg.Error, dsn: str) -> str:
    """Say in one line what is wrong with the Postgres at `dsn` and what to do, without its password."""
    where = f"Postgres at {describe_store(dsn)}"
    told = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    state = error.sqlstate or ""
    if state.startswith("28") or "password authentication failed" in told or "no password supplied" in told:
        return f"{where} refused the user name or password (DATABASE_URL). Correct it in the URL."
    if state == "3D000" or ("database" in told and "does not exist" in told):
        return f"{where} has no such database (DATABASE_URL). Create it, or correct the URL."
    if state in ("42P01", "3F000"):
        return f"{where} lacks the darklaunch schema. Run: darklaunch migrate"
    if isinstance(error, psycopg.OperationalError) and not state:
        return f"{where} cannot be reached (DATABASE_URL): {told}."
    return f"{where} answered: {told}."


def describe_store(dsn: str) -> str:
    """Give host, port and database of a DSN, to be printed."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "an address that cannot be read"
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"

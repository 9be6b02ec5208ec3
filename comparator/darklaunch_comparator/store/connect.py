"""Connections to Postgres that cannot hang: bounded connecting, statements, lock waits and idle transactions.

A connection serves one thread. A dead peer is noticed by the kernels of both sides: TCP keepalives, and a bound on
unacknowledged data. What only the silence tells, a frozen server or a proxy whose other side is gone, is noticed here.
"""

import time
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Connection
from psycopg.abc import PQGen
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
_SERVER_KEEPALIVE: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""By default a server keeps a dead client's session, and the leader's lock with it, for two hours."""
_LATE_S: Final = 5.0

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How long a connection's statements may take, wait for a lock, and leave a transaction idle, in seconds."""

    statement_s: float = 30.0
    lock_s: float = 10.0
    idle_s: float = 15.0


def connect_store(dsn: str, *, name: str, patience: ConnectionLimits | None = None) -> Connection[TupleRow]:
    """Open an autocommit connection that shows as `name` in pg_stat_activity. Raises psycopg.Error."""
    bounds = patience or ConnectionLimits()
    connection = _Watched.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=name, **_KEEPALIVE
    )
    chosen = {
        "statement_timeout": f"{int(bounds.statement_s * 1000)}ms",
        "lock_timeout": f"{int(bounds.lock_s * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{int(bounds.idle_s * 1000)}ms",
        **_SERVER_KEEPALIVE,
    }
    try:
        connection.silent_s = bounds.statement_s + _LATE_S
        connection.execute(
            "SELECT set_config(setting, value, false) FROM unnest(%s::text[], %s::text[]) AS chosen (setting, value)",
            [list(chosen), list(chosen.values())],
        )
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute(_COMMITS_LAST)
    except BaseException:
        connection.close()
        raise
    return connection


def explain_postgres_error(error: psycopg.Error, dsn: str) -> str:
    """Say in one line what is wrong with the Postgres at `dsn` and what to do, without its password."""
    where = f"Postgres at {describe_dsn(dsn)}"
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


def describe_dsn(dsn: str) -> str:
    """Give host, port and database of a DSN, to be printed."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "an address that cannot be read"
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


class _Watched(Connection[TupleRow]):
    """A connection that is given up when nothing comes for longer than a statement may take, `silent_s`."""

    silent_s = _LATE_S

    def wait(self, gen: PQGen[_Answer], *args: Any, **kwargs: Any) -> _Answer:
        return super().wait(self._heard(gen), *args, **kwargs)

    def _heard(self, gen: PQGen[_Answer]) -> PQGen[_Answer]:
        heard_s = time.monotonic()
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                if ready:
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > self.silent_s:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"nothing came from Postgres for {self.silent_s:g} s")
                awaited = gen.send(ready)
        except StopIteration as end:
            answer: _Answer = end.value
            return answer

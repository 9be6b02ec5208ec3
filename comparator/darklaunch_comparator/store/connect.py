"""Connections to Postgres that cannot hang: limits on connecting, statements, lock waits and idle transactions.

A connection serves one thread. The kernels of both sides detect a peer that is gone: TCP keepalives, and a limit on
unacknowledged data. A frozen server, or a proxy whose other side is gone, still acknowledges; silence reveals those.
"""

import math
import time
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from .sql import load

CONNECT_TIMEOUT_S: Final = 5
SENT_NOTHING: Final = "Postgres sent nothing for"
_SQL: Final = load("server")
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
FORMATS: Final = {
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "default_transaction_isolation": "read committed",  # audit reads the record twice; writers wait for one another
}
"""How a session of ours writes and reads values, whatever the role, the database or the server are set to."""
_SILENCE_MARGIN_S: Final = 5.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How long a connection's statements may take, wait for a lock, and leave a transaction idle, in seconds."""

    statement_s: float = 30.0
    lock_s: float = 10.0
    idle_s: float = 15.0


def connect_store(dsn: str, *, name: str, limits: ConnectionLimits | None = None) -> Connection[TupleRow]:
    """Open an autocommit connection that shows as `name` in pg_stat_activity. Raises psycopg.Error."""
    limits = limits or ConnectionLimits()
    connection = _TimedConnection.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=name, **_KEEPALIVE
    )
    settings = {
        "statement_timeout": f"{int(limits.statement_s * 1000)}ms",
        "lock_timeout": f"{int(limits.lock_s * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{int(limits.idle_s * 1000)}ms",
        **FORMATS,
        **_SERVER_KEEPALIVE,
    }
    try:
        connection.max_silence_s = limits.statement_s + _SILENCE_MARGIN_S
        connection.execute(_SQL["configure_session"], {"settings": list(settings), "values": list(settings.values())})
        connection.execute(_SQL["ensure_durable_commits"])
    except BaseException:
        connection.close()
        raise
    return connection


def connect_session(dsn: str, *, name: str) -> Connection[TupleRow]:
    """Open a connection for a command, not in autocommit mode. Raises psycopg.Error.

    A pooler whose sessions are all in use accepts a connection and lets its first statement wait. So the first one has
    the same limit as connecting; those that follow have none.
    """
    connection = _TimedConnection.connect(dsn, connect_timeout=CONNECT_TIMEOUT_S, application_name=name)
    try:
        connection.max_silence_s = CONNECT_TIMEOUT_S
        set_formats(connection)
        connection.commit()
        connection.max_silence_s = math.inf
    except BaseException:
        connection.close()
        raise
    return connection


def set_formats(connection: Connection[Any]) -> None:
    """Make the session write and read values as this code expects them."""
    connection.execute(_SQL["configure_session"], {"settings": list(FORMATS), "values": list(FORMATS.values())})


class _TimedConnection(Connection[TupleRow]):
    """A connection that closes itself when the server sends nothing for `max_silence_s` during a statement."""

    max_silence_s: float = _SILENCE_MARGIN_S

    def wait(self, gen: PQGen[_Result], *args: Any, **kwargs: Any) -> _Result:
        return super().wait(self._limit_silence(gen), *args, **kwargs)

    def _limit_silence(self, gen: PQGen[_Result]) -> PQGen[_Result]:
        last_data_s = time.monotonic()
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                if ready:
                    last_data_s = time.monotonic()
                elif time.monotonic() - last_data_s > self.max_silence_s:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"{SENT_NOTHING} {self.max_silence_s:g} s")
                awaited = gen.send(ready)
        except StopIteration as end:
            result: _Result = end.value
            return result

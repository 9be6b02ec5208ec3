"""Connections to Postgres that cannot hang: limits on connecting, statements, lock waits and idle transactions.

A connection serves one thread. The kernels of both sides detect a peer that is gone: TCP keepalives, and a limit on
unacknowledged data. A frozen server, or a proxy whose other side is gone, still acknowledges; silence reveals those.
"""

import time
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import psycopg
from psycopg import Connection
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from .sql import load

CONNECT_TIMEOUT_S: Final = 5
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
        "timezone": "UTC",
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


class _TimedConnection(Connection[TupleRow]):
    """A connection that closes itself when the server sends nothing for `max_silence_s` during a statement."""

    max_silence_s = _SILENCE_MARGIN_S

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
                    raise psycopg.OperationalError(f"Postgres sent nothing for {self.max_silence_s:g} s")
                awaited = gen.send(ready)
        except StopIteration as end:
            result: _Result = end.value
            return result

"""Talking to Redis so that after a failure it is known whether anything was sent.

That is what decides about numbers: a batch that never left may give them back, one that may have been read keeps them.
"""

import encodings.idna  # pyright: ignore[reportUnusedImport]  # noqa: F401 - else the thread would, to look a host up
from collections.abc import Sequence
from typing import Any, Final, Protocol, cast

from darklaunch_shared.redis.client import RedisClient, RedisPipeline, connect
from darklaunch_shared.redis.errors import explain_redis_error
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    RedisError,
    ResponseError,
)

ANSWER_LIMIT_S: Final = 1.0  # a batch is safe to send again, and control must be read every half second

Command = Sequence[str | bytes | int | float]
REPLIES: Final = (ResponseError, BusyLoadingError, AuthenticationError, AuthorizationError)
"""Errors that Redis answered with; redis-py counts some of them among connection errors."""


class RedisUnavailable(Exception):
    """Redis could not be asked."""


class NotSent(RedisUnavailable):
    """No connection could be had: nothing was sent."""


class NoReply(RedisUnavailable):
    """The connection failed, or the time was up, after something was sent."""


class ErrorReply(RedisUnavailable):
    """Redis answered with an error."""


class RedisConnection:
    """One connection, opened when it is needed and again when it is lost. It has the face of a Client."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = connect(url, client_name="darklaunch-hook", socket_timeout_s=ANSWER_LIMIT_S)
        self._pool = cast(_Pooled, self._client).connection_pool

    def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands together and give their replies, errors among them. Raises NotSent or Unanswered."""
        try:
            connection = self._pool.get_connection()
        except (RedisError, OSError) as error:
            raise NotSent(explain_redis_error(error, self._url)) from error
        try:
            connection.send_packed_command([_packed(commands)], check_health=False)
            return _replies(connection, len(commands))
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise NoReply(explain_redis_error(error, self._url)) from error
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    def execute_command(self, *args: Any) -> Any:
        """Send one command and give its reply. Raises NotSent, Unanswered, or the error it was answered with."""
        (reply,) = self.ask([args])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def pipeline(self, transaction: bool = True) -> RedisPipeline:
        """Start a pipeline; its errors are redis-py's own."""
        return self._client.pipeline(transaction)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _packed(commands: Sequence[Command]) -> bytes:
    """Write commands as RESP arrays of bulk strings, in one go; redis-py looks twice at each word."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for word in command:
            content = word if type(word) is bytes else str(word).encode()
            parts += (b"$%d\r\n" % len(content), content, b"\r\n")
    return b"".join(parts)


def _replies(connection: "_Connection", count: int) -> list[Any]:
    replies: list[Any] = []
    while len(replies) < count:
        try:
            replies.append(connection.read_response())
        except ResponseError as error:
            replies.append(error)
        except REPLIES as error:  # redis-py has closed the connection: the server answers everything like this
            replies.extend([error] * (count - len(replies)))
    return replies


class _Connection(Protocol):
    def send_packed_command(self, command: list[bytes], check_health: bool) -> None: ...
    def read_response(self) -> Any: ...
    def disconnect(self) -> None: ...


class _Pool(Protocol):
    def get_connection(self) -> _Connection: ...
    def release(self, connection: _Connection) -> None: ...


class _Pooled(RedisClient, Protocol):
    @property
    def connection_pool(self) -> _Pool: ...

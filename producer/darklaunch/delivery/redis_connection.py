"""Talking to Redis so that after a failure it is known whether anything was sent.

The numbers of exchanges depend on that: a batch that was never sent may give its numbers back, one that Redis may have
read keeps them.
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

from darklaunch.errors import NoReply, NotSent

REPLY_LIMIT_S: Final = 1.0  # short, because a batch may be sent again, and the launches are read every half second

Command = Sequence[str | bytes | int | float]
ERROR_REPLIES: Final = (ResponseError, BusyLoadingError, AuthenticationError, AuthorizationError)
"""The errors that Redis replies with; redis-py counts some of them among connection errors."""


class RedisConnection:
    """One connection, opened when it is needed and again after it was lost. Usable as a RedisClient."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = connect(url, client_name="darklaunch-hook", socket_timeout_s=REPLY_LIMIT_S)
        self._pool = cast(_Pooled, self._client).connection_pool

    def send_commands(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands together and return their replies, errors among them. Raises NotSent or NoReply."""
        try:
            connection = self._pool.get_connection()
        except (RedisError, OSError) as error:
            raise NotSent(explain_redis_error(error, self._url)) from error
        try:
            connection.send_packed_command([_pack_commands(commands)], check_health=False)
            return _read_replies(connection, len(commands))
        except (RedisError, OSError) as error:
            connection.disconnect()
            raise NoReply(explain_redis_error(error, self._url)) from error
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._pool.release(connection)

    def execute_command(self, *args: Any) -> Any:
        """Send one command and return its reply. Raises NotSent, NoReply, or the error that Redis replied with."""
        (reply,) = self.send_commands([args])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def pipeline(self, transaction: bool = True) -> RedisPipeline:
        """Start a pipeline; its errors are redis-py's own."""
        return self._client.pipeline(transaction)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _pack_commands(commands: Sequence[Command]) -> bytes:
    """Return commands as RESP arrays of bulk strings. In one pass, where redis-py makes two over every argument."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        for argument in command:
            content = argument if type(argument) is bytes else str(argument).encode()
            parts += (b"$%d\r\n" % len(content), content, b"\r\n")
    return b"".join(parts)


def _read_replies(connection: "_Connection", count: int) -> list[Any]:
    replies: list[Any] = []
    while len(replies) < count:
        try:
            replies.append(connection.read_response())
        except ResponseError as error:
            replies.append(error)
        except ERROR_REPLIES as error:  # redis-py has closed the connection; Redis would reply to the rest like this
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

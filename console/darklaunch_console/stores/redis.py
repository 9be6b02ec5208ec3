"""Redis as commands open it; whatever is wrong becomes one line that says what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Generator
from typing import Final
from urllib.parse import urlsplit

from darklaunch_shared.redis.client import RedisClient, connect
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from darklaunch_console.errors import AccessRefused, BadUsage, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings, ServerAddress

ANSWER_LIMIT_S: Final = 5.0
UP: Final = "or run `darklaunch up` for an embedded one"


@contextlib.contextmanager
def open_redis(settings: ConsoleSettings) -> Generator[RedisClient]:
    """Connect to Redis and PING it. Raises ServerUnreachable for whatever goes wrong with it in the block."""
    address = settings.redis_or_default
    try:
        client = connect(address.url, client_name="darklaunch-cli", socket_timeout_s=ANSWER_LIMIT_S)
    except (ValueError, TypeError):
        raise BadUsage(f"{address.source} is not the URL of a Redis: write redis://HOST:PORT/0") from None
    try:
        client.execute_command("PING")
        yield client
    except (RedisError, ConnectionError) as error:
        raise explain_redis(error, address) from error
    finally:
        client.close()


def name_redis(address: ServerAddress) -> str:
    """Say which Redis it is, without user and password: `Redis at 127.0.0.1:6379`."""
    parts = urlsplit(address.url)
    if parts.scheme == "unix":
        return f"Redis at {parts.path}"
    host = parts.hostname or "localhost"
    return f"Redis at {f'[{host}]' if ':' in host else host}:{parts.port or 6379}"


def explain_redis(error: RedisError | OSError, address: ServerAddress) -> ServerUnreachable:
    """Say what is wrong with a Redis and what to do."""
    where, source = name_redis(address), address.source or "REDIS_URL is not set"
    text = str(error)
    if isinstance(error, RedisTimeoutError):
        hint = "Check that it runs and is not stopped or overloaded"
        return ServerUnreachable(f"{where} did not answer in time ({source}). {hint}")
    if "invalid username-password" in text or "WRONGPASS" in text:
        return AccessRefused(f"{where} refused the password ({source}). Correct it: redis://:PASSWORD@HOST:PORT/0")
    if isinstance(error, AuthenticationError) or "NOAUTH" in text or "Authentication required" in text:
        return AccessRefused(f"{where} wants a password ({source}). Put it into the URL: redis://:PASSWORD@HOST:PORT/0")
    if isinstance(error, RedisConnectionError | OSError) and not isinstance(error, ResponseError):
        return ServerUnreachable(f"{where} {_socket_trouble(text)} ({source}). Start it, set REDIS_URL, {UP}")
    if "WRONGTYPE" in text:
        hint = "Rename it; redis-cli --scan --pattern '{dl:*' lists them, redis-cli TYPE KEY tells"
        return ServerUnreachable(f"{where} keeps something else under a key of darklaunch's ({source}): {text}. {hint}")
    if isinstance(error, NoPermissionError):
        hint = "docs/SECURITY.md has a user for each part"
        return ServerUnreachable(f"{where} does not let this user do that ({source}): {text}. {hint}")
    return ServerUnreachable(f"{where} answered: {text} ({source})")


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

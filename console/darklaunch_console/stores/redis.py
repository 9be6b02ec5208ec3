"""Redis as commands open it; an error becomes one line that says what happened and what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Final
from urllib.parse import urlsplit

from darklaunch_shared.redis.client import RedisClient, connect
from darklaunch_shared.redis.errors import diagnose_redis_error
from redis.exceptions import RedisError

from darklaunch_console.errors import AccessRefused, BadUsage, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings, ServerAddress

REPLY_LIMIT_S: Final = 5.0
UP: Final = "or run `darklaunch up` for an embedded one"


@contextlib.contextmanager
def open_redis(settings: ConsoleSettings) -> Generator[RedisClient]:
    """Connect to Redis, PING it and yield the client. Raises ServerUnreachable, also for errors in the block."""
    address = settings.redis_or_default
    try:
        client = connect(address.url, client_name="darklaunch-cli", socket_timeout_s=REPLY_LIMIT_S)
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
    """Return which Redis it is, without user and password: `Redis at 127.0.0.1:6379`."""
    parts = urlsplit(address.url)
    if parts.scheme == "unix":
        return f"Redis at {parts.path}"
    host = parts.hostname or "localhost"
    return f"Redis at {f'[{host}]' if ':' in host else host}:{parts.port or 6379}"


def explain_redis(error: RedisError | OSError, address: ServerAddress) -> ServerUnreachable:
    """Return the error to show for a Redis error: which Redis, what happened, what to do."""
    diagnosis = diagnose_redis_error(error)
    remedy = f"Start it, set REDIS_URL, {UP}" if diagnosis.unreachable else diagnosis.remedy
    line = f"{name_redis(address)} {diagnosis.happened} ({address.source or 'REDIS_URL is not set'})"
    return (AccessRefused if diagnosis.refused else ServerUnreachable)(f"{line}. {remedy}" if remedy else line)

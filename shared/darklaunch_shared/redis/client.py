"""Redis clients as the protocol needs them: no automatic retry, bounded waits, raw bytes, one reply shape.

redis-py retries commands by default; a lost XADD reply then becomes two entries and a lost XREADGROUP reply entries
that nobody works on. Retrying is the caller's decision here.
"""

from collections.abc import Awaitable
from typing import Any, Final, Protocol, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .c_packing import use_c_packing

SOCKET_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 2.0
WAIT_MS: Final = 1000  # at most half the socket timeout, else an idle stream looks like a dead server


class RedisPipeline(Protocol):
    """Commands sent together, on a blocking client."""

    def execute_command(self, *args: Any) -> Any:
        """Add a command."""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send them and return the replies."""
        ...


class RedisClient(Protocol):
    """A blocking Redis client, as far as we use it: raw commands and pipelines."""

    def execute_command(self, *args: Any) -> Any:
        """Send one command and return its reply."""

    def pipeline(self, transaction: bool = True) -> RedisPipeline:
        """Start a pipeline."""
        ...

    def close(self) -> None:
        """Close its connections."""


class AsyncRedisPipeline(Protocol):
    """Commands sent together, on an asyncio client."""

    def execute_command(self, *args: Any) -> Any:
        """Add a command."""

    def execute(self, raise_on_error: bool = True) -> Awaitable[list[Any]]:
        """Send them and return the replies."""
        ...


class AsyncRedisClient(Protocol):
    """An asyncio Redis client, as far as we use it."""

    def execute_command(self, *args: Any) -> Awaitable[Any]:
        """Send one command and return its reply."""
        ...

    def pipeline(self, transaction: bool = True) -> AsyncRedisPipeline:
        """Start a pipeline."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close its connections."""
        ...


def connect(url: str, *, client_name: str, socket_timeout_s: float = SOCKET_TIMEOUT_S) -> RedisClient:
    """Make a blocking client for `redis://`, `rediss://` or `unix://`. Nothing is sent yet.

    Raises ValueError when the URL has another scheme or is malformed.
    """
    options = _options(url, client_name, socket_timeout_s)
    return cast(RedisClient, cast(Any, Redis).from_url(url, retry=Retry(NoBackoff(), 0), **options))


def connect_async(url: str, *, client_name: str, max_connections: int = 64) -> AsyncRedisClient:
    """Make an asyncio client; the same as `connect` otherwise."""
    options = _options(url, client_name, SOCKET_TIMEOUT_S)
    retry = AsyncRetry(NoBackoff(), 0)
    client = cast(Any, AsyncRedis).from_url(url, retry=retry, max_connections=max_connections, **options)
    use_c_packing(client.connection_pool)
    return cast(AsyncRedisClient, client)


def _options(url: str, client_name: str, socket_timeout_s: float) -> dict[str, Any]:
    over_tcp = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_keepalive": True}
    return {
        **({} if url.startswith("unix:") else over_tcp),
        "socket_timeout": socket_timeout_s,
        "health_check_interval": 0,
        "protocol": 2,
        "client_name": client_name,
        "decode_responses": False,
    }

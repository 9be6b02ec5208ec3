"""Redis clients as the protocol needs them: no automatic retry, bounded waits, raw bytes, one reply shape.

redis-py retries commands by default. A lost XADD reply then becomes two entries, and after a lost XREADGROUP reply
entries stay pending without a worker. Here retrying is the caller's decision.
"""

from collections.abc import Awaitable
from typing import Any, Final, Protocol, cast

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .c_packing import use_c_packing
from .client_url import parse_redis_url
from .closed_transport import report_lost_connections

SOCKET_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 2.0
WAIT_MS: Final = 1000  # at most half the socket timeout, else an idle stream looks like a dead server


class RedisPipeline(Protocol):
    """A pipeline of a blocking client: commands sent together."""

    def execute_command(self, *args: Any) -> Any:
        """Add a command."""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send the commands and return the replies."""
        ...


class RedisClient(Protocol):
    """The part of a blocking Redis client that we use: raw commands and pipelines."""

    def execute_command(self, *args: Any) -> Any:
        """Send one command and return its reply."""

    def pipeline(self, transaction: bool = True) -> RedisPipeline:
        """Start a pipeline."""
        ...

    def close(self) -> None:
        """Close the connections."""


class AsyncRedisPipeline(Protocol):
    """A pipeline of an asyncio client: commands sent together."""

    def execute_command(self, *args: Any) -> Any:
        """Add a command."""

    def execute(self, raise_on_error: bool = True) -> Awaitable[list[Any]]:
        """Send the commands and return the replies."""
        ...


class AsyncRedisClient(Protocol):
    """The part of an asyncio Redis client that we use."""

    def execute_command(self, *args: Any) -> Awaitable[Any]:
        """Send one command and return its reply."""
        ...

    def pipeline(self, transaction: bool = True) -> AsyncRedisPipeline:
        """Start a pipeline."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Close the connections."""
        ...


def connect(url: str, *, client_name: str, socket_timeout_s: float = SOCKET_TIMEOUT_S) -> RedisClient:
    """Return a blocking client for `redis://`, `rediss://` or `unix://`. Sends nothing yet.

    Raises ValueError if the URL has another scheme or is malformed; its text holds nothing of the URL.
    """
    cleaned_url, more = parse_redis_url(url)
    options = _build_options(url, client_name, socket_timeout_s) | more
    return cast(RedisClient, cast(Any, Redis).from_url(cleaned_url, retry=Retry(NoBackoff(), 0), **options))


def connect_async(url: str, *, client_name: str, max_connections: int = 64) -> AsyncRedisClient:
    """Return an asyncio client; otherwise as `connect`."""
    cleaned_url, more = parse_redis_url(url)
    options = _build_options(url, client_name, SOCKET_TIMEOUT_S) | more
    retry = AsyncRetry(NoBackoff(), 0)
    client = cast(Any, AsyncRedis).from_url(cleaned_url, retry=retry, max_connections=max_connections, **options)
    use_c_packing(client.connection_pool)
    report_lost_connections(client.connection_pool)
    return cast(AsyncRedisClient, client)


def _build_options(url: str, client_name: str, socket_timeout_s: float) -> dict[str, Any]:
    over_tcp = {"socket_connect_timeout": CONNECT_TIMEOUT_S, "socket_keepalive": True}
    return {
        **({} if url.startswith("unix:") else over_tcp),
        "socket_timeout": socket_timeout_s,
        "health_check_interval": 0,
        "protocol": 2,
        "client_name": client_name,
        "decode_responses": False,
    }

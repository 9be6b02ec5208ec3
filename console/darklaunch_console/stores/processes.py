"""Who is running, by the clock of Redis."""

from __future__ import annotations

from typing import Any

from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient, as_dict
from darklaunch_shared.redis.presence import ProcessRecord, read_alive


def server_now_ms(redis: RedisClient) -> int:
    """Read the server's clock, in milliseconds since the epoch."""
    return clock_ms(redis.execute_command("TIME"))


def clock_ms(reply: Any) -> int:
    """Read a TIME reply, in milliseconds since the epoch."""
    seconds, microseconds = reply
    return int(seconds) * 1000 + int(microseconds) // 1000


def hooks_alive(redis: RedisClient) -> list[ProcessRecord]:
    """List the app processes that carry the hook."""
    return _alive(redis, keys.HOOKS)


def workers_alive(redis: RedisClient) -> list[ProcessRecord]:
    """List the worker processes."""
    return _alive(redis, keys.WORKERS)


def comparators_alive(redis: RedisClient) -> list[ProcessRecord]:
    """List the comparator processes."""
    return _alive(redis, keys.COMPARATORS)


def _alive(redis: RedisClient, registry: str) -> list[ProcessRecord]:
    processes = read_alive(as_dict(redis.execute_command("HGETALL", registry)), server_now_ms(redis))
    return [process for process in processes if isinstance(process.about, dict)]  # pyright: ignore[reportUnnecessaryIsInstance]

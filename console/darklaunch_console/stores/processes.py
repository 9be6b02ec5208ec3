"""Processes that are alive, by the clock of Redis."""

from __future__ import annotations

from typing import Any

from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import ProcessRecord, read_alive
from darklaunch_shared.wire.fields import pair_fields


def read_clock_ms(redis: RedisClient) -> int:
    """Return the time of Redis, in milliseconds since the epoch."""
    return parse_clock_ms(redis.execute_command("TIME"))


def parse_clock_ms(reply: Any) -> int:
    """Return a TIME reply in milliseconds since the epoch."""
    seconds, microseconds = reply
    return int(seconds) * 1000 + int(microseconds) // 1000


def list_live_hooks(redis: RedisClient) -> list[ProcessRecord]:
    """Return the app processes with the hook."""
    return _list_alive(redis, keys.HOOKS)


def list_live_workers(redis: RedisClient) -> list[ProcessRecord]:
    """Return the worker processes."""
    return _list_alive(redis, keys.WORKERS)


def list_live_comparators(redis: RedisClient) -> list[ProcessRecord]:
    """Return the comparator processes."""
    return _list_alive(redis, keys.COMPARATORS)


def _list_alive(redis: RedisClient, registry: str) -> list[ProcessRecord]:
    processes = read_alive(pair_fields(redis.execute_command("HGETALL", registry)), read_clock_ms(redis))
    return [process for process in processes if isinstance(process.about, dict)]  # pyright: ignore[reportUnnecessaryIsInstance]

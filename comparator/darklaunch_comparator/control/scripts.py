"""Run the scripts that only the leader needs, and list what is on a stream."""

from collections.abc import Iterator
from typing import Any, Final

from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.scripts import load
from redis.exceptions import ResponseError

PAGE: Final = 200
"""Entries of a stream that are listed at once, if they are small."""


def run_script(redis: RedisClient, name: str, key: str, *args: str | bytes | int) -> Any:
    """Run one of the scripts on one key. They run seldom, so they are sent whole. Raises RedisError."""
    try:
        return redis.execute_command("EVAL", load(name).text, 1, key, *args)
    except ResponseError as refused:
        if "compiling script" not in str(refused):
            raise
        return redis.execute_command("EVAL", load(name, flags=False).text, 1, key, *args)  # Redis 6.2: no first line


def list_exchange_ids(redis: RedisClient, stream: str) -> Iterator[tuple[str, str]]:
    """List a stream page by page: entry ids and exchange ids ("" where an entry has none). Raises RedisError."""
    after = "0-0"
    while page := run_script(redis, "exchange_ids", stream, after, PAGE):
        pairs = [(page[at].decode(), page[at + 1].decode(errors="replace")) for at in range(0, len(page), 2)]
        yield from pairs
        after = pairs[-1][0]

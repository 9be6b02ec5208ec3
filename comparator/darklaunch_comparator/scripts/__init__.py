"""The leader's own Lua scripts. Each file's header says its keys, arguments, return value, and why."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Final

from darklaunch_shared.connect import Client
from redis.exceptions import ResponseError

PAGE: Final = 200
"""Entries of a stream that are listed at once, if they are small."""


def run_script(redis: Client, name: str, key: str, *args: str | bytes | int) -> Any:
    """Run one of the scripts on one key. They run seldom, so they are sent whole. Raises RedisError."""
    text = _text(name)
    try:
        return redis.execute_command("EVAL", text, 1, key, *args)
    except ResponseError as refused:
        if not text.startswith("#!") or "compiling script" not in str(refused):
            raise
        return redis.execute_command("EVAL", text.partition("\n")[2], 1, key, *args)  # Redis 6.2 knows no first line


def exchange_ids(redis: Client, stream: str) -> Iterator[tuple[str, str]]:
    """List a stream page by page: entry ids and exchange ids ("" where an entry has none). Raises RedisError."""
    after = "0-0"
    while page := run_script(redis, "exchange_ids", stream, after, PAGE):
        pairs = [(page[at].decode(), page[at + 1].decode(errors="replace")) for at in range(0, len(page), 2)]
        yield from pairs
        after = pairs[-1][0]


@cache
def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text()

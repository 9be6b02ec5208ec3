"""Exchange ids on a stream, listed without the bodies that travel with them."""

from collections.abc import Iterator
from typing import Final

from .client import RedisClient
from .script_calls import ScriptCall, call_script

PAGE: Final = 200
"""The most entries listed by one call. Larger entries make smaller pages: see the script."""


def list_exchange_ids(redis: RedisClient, stream: str, *, page: int = PAGE) -> Iterator[tuple[str, str]]:
    """Yield entry ids and exchange ids ("" where an entry has none), read `page` at a time. Raises RedisError."""
    after = "0-0"
    while reply := call_script(redis, ScriptCall("list_exchange_ids", (stream,), (after, page))):
        ids = [(reply[at].decode(), reply[at + 1].decode(errors="replace")) for at in range(0, len(reply), 2)]
        yield from ids
        after = ids[-1][0]

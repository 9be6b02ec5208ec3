"""Dead letters as workers and comparators leave them."""

from __future__ import annotations

import time

from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.dead_letter import pack_dead_letter
from darklaunch_shared.wire.fields import Fields

from tests.support.cli import exchange
from tests.support.pack_exchange import pack_exchange


def bury(
    redis: RedisClient,
    launch: str,
    number: int = 1,
    *,
    group: str = "workers",
    age_s: float = 10.0,
    own: Fields | None = None,
) -> str:
    """Put a dead letter where `bury.lua` puts it, and return its entry id."""
    at_ms = int((time.time() - age_s) * 1000)
    own = pack_exchange(exchange(launch, number, at_ms=at_ms)) if own is None else own
    dead = pack_dead_letter(own, "delivered 5 times without an outcome", group, 5, at_ms)
    flat = [part for pair in dead.items() for part in pair]
    entry: bytes = redis.execute_command("XADD", keys.dead(launch), "*", *flat)
    return entry.decode()

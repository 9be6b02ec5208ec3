"""The check that a part makes before it starts: a Redis that evicts keys would silently lose whole streams."""

from __future__ import annotations

import logging

from redis.exceptions import ResponseError

from darklaunch_console.errors import AccessRefused, ConsoleError, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.redis import name_redis, open_redis

log = logging.getLogger("darklaunch.console")


def refuse_evicting_redis(settings: ConsoleSettings) -> None:
    """Raise ConsoleError when this Redis evicts keys. One that cannot be reached is only logged: it may come back."""
    name = name_redis(settings.redis_or_default)
    try:
        with open_redis(settings) as redis:
            try:
                reply = redis.execute_command("INFO", "memory")
            except ResponseError as refused:  # an ACL may forbid INFO
                log.warning("%s does not say whether it evicts: %s", name, refused)
                return
    except AccessRefused:
        raise
    except ServerUnreachable as unreachable:
        log.warning("%s. Waiting for it.", str(unreachable).rstrip("."))
        return
    policy = str(reply.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise ConsoleError(
            f"{name} evicts whole streams when it is full (maxmemory-policy {policy}). "
            "Set it: darklaunch redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
        )

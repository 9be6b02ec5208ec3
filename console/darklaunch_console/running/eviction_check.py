"""What must hold before a part starts: a Redis that evicts would take whole streams away without a word."""

from __future__ import annotations

import logging

from redis.exceptions import ResponseError

from darklaunch_console.errors import AccessRefused, ConsoleError, ServerUnreachable
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.redis import name_redis, open_redis

log = logging.getLogger("darklaunch.console")


def refuse_evicting_redis(settings: ConsoleSettings) -> None:
    """Raise ConsoleError when this Redis evicts. One that is away is waited for later, by whoever needs it."""
    where = name_redis(settings.redis_or_default)
    try:
        with open_redis(settings) as redis:
            try:
                reply = redis.execute_command("INFO", "memory")
            except ResponseError as refused:  # not everyone may ask
                log.warning("%s does not say whether it evicts: %s", where, refused)
                return
    except AccessRefused:
        raise
    except ServerUnreachable as away:
        log.warning("%s. Waiting for it.", str(away).rstrip("."))
        return
    policy = str(reply.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise ConsoleError(
            f"{where} evicts whole streams when it is full (maxmemory-policy {policy}). "
            "Set it: redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf"
        )

"""The emergency stop: it is set on Redis, before Postgres or without it, and stops a launch within a second."""

import contextlib
import time
from itertools import chain

from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import Argument, ScriptCall, call_script
from redis.exceptions import ResponseError


def set_hold(redis: RedisClient, name: str, by: str, why: str, act: str, *, only_at: int | None = None) -> None:
    """Set the hold of a launch. The leader later records `act`, such as `rolled_back`, unless somebody else has.

    `only_at` is the revision that the decision is based on: a launch with another revision is left alone.
    Raises RedisError.
    """
    at_ms = time.time_ns() // 1_000_000
    fields: dict[bytes, str | int] = {
        keys.STATE_HOLD: "1",
        keys.STATE_HOLD_BY: by,
        keys.STATE_HOLD_WHY: why,
        keys.STATE_HOLD_AT: at_ms,
        keys.STATE_HOLD_ACT: act,
    }
    arguments: list[Argument] = ["" if only_at is None else only_at, *chain.from_iterable(fields.items())]
    call_script(redis, ScriptCall("set_hold", (keys.launch(name),), arguments))
    with contextlib.suppress(ResponseError):  # on a full server; hooks and workers poll the hold by itself
        redis.execute_command("INCR", keys.REVISION)

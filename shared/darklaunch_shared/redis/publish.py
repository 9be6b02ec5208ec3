"""Publish launch states to Redis, where hooks and workers obey them."""

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState, pack_spec
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import ScriptCall, call_script, write_even_if_full


def publish_launch(redis: RedisClient, state: LaunchState, *, lift_hold: bool) -> bool:
    """Write a launch's state to Redis, and notify every poller. Raises RedisError.

    Returns False when Redis already has this revision or a newer one. `lift_hold` ends an emergency stop; only the act
    that decided to lift it may ask for it, not a repeated publication. The state's own `hold` is not written.
    """
    write_even_if_full(redis, "SADD", keys.LAUNCHES, state.name)
    arguments = (state.revision, state.status.value, repr(state.percent), pack_spec(state.spec), int(lift_hold))
    published = call_script(redis, ScriptCall("publish_launch", (keys.launch(state.name),), arguments))
    # Also when refused: whoever published this revision may have stopped before notifying the pollers.
    write_even_if_full(redis, "INCR", keys.REVISION)
    return bool(published)

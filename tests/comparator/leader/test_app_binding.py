"""A launch that was started before any app was seen belongs to the first one that comes, and to no other."""

from typing import Any

from darklaunch_comparator.leader.app_binding import AppBinding
from darklaunch_comparator.store.launches import get_launch, list_events
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import UNDECIDED_APP, LaunchState, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from tests.support.comparators import start


def read_copy(redis: RedisClient, launch: str) -> LaunchState:
    return parse_state(launch, pair_fields(redis.execute_command("HGETALL", keys.launch(launch))))


def add_hook(redis: RedisClient, identity: str, app: str) -> None:
    call_script(redis, heartbeat(keys.HOOKS, identity, {"app": app}))


def test_the_first_app_that_comes_is_mirrored_and_recorded(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    redis.execute_command("DEL", keys.HOOKS)
    start(connection, redis, launch_name, app=UNDECIDED_APP)
    start(connection, redis, f"{launch_name}-2", app="desk")
    binding = AppBinding(settle_s=0.0)
    binding.bind_launches(connection, redis)
    assert get_launch(connection, launch_name).state.spec.app == UNDECIDED_APP
    add_hook(redis, "one", "shop")
    add_hook(redis, "two", "shop")
    binding.bind_launches(connection, redis)
    state = get_launch(connection, launch_name).state
    assert state.spec.app == "shop"
    assert read_copy(redis, launch_name) == state
    assert list_events(connection, launch_name)[0].act == "bound"
    add_hook(redis, "three", "admin")
    binding.bind_launches(connection, redis)
    assert get_launch(connection, launch_name).state == state
    assert get_launch(connection, f"{launch_name}-2").state.spec.app == "desk"


def test_of_several_apps_none_is_chosen(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    redis.execute_command("DEL", keys.HOOKS)
    start(connection, redis, launch_name, app=UNDECIDED_APP)
    add_hook(redis, "one", "shop")
    add_hook(redis, "two", "desk")
    binding = AppBinding(settle_s=0.0)
    binding.bind_launches(connection, redis)
    binding.bind_launches(connection, redis)
    assert get_launch(connection, launch_name).state.spec.app == UNDECIDED_APP


def test_a_name_is_not_trusted_before_it_has_settled(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    redis.execute_command("DEL", keys.HOOKS)
    start(connection, redis, launch_name, app=UNDECIDED_APP)
    add_hook(redis, "one", "uvicorn")
    AppBinding(settle_s=60.0).bind_launches(connection, redis)
    assert get_launch(connection, launch_name).state.spec.app == UNDECIDED_APP

"""Control state: Redis is made to carry the record, and an emergency stop set on Redis alone is recorded once."""

from typing import Any

import pytest
from darklaunch_comparator.leader import control_sync as mirror_module
from darklaunch_comparator.leader.control_sync import ControlSync
from darklaunch_comparator.store.launches import (
    LaunchAct,
    LaunchRecord,
    get_launch,
    list_events,
    list_launches,
    update_launch,
)
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from tests.support.comparators import start

PAUSE = LaunchAct("ann", "paused")
RESUME = LaunchAct("ann", "resumed")


def copy(redis: RedisClient, launch: str) -> LaunchState:
    return parse_state(launch, pair_fields(redis.execute_command("HGETALL", keys.launch(launch))))


def revision(redis: RedisClient) -> int:
    return int(redis.execute_command("GET", keys.REVISION) or 0)


def acts(connection: Connection[Any], launch: str) -> list[tuple[str, str, str]]:
    return [(event.actor, event.act, event.reason) for event in list_events(connection, launch)][::-1][1:]


@pytest.fixture
def mirror() -> ControlSync:
    return ControlSync()


def test_a_flushed_redis_carries_every_launch_again(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    one, two = start(connection, redis, launch_name), start(connection, redis, f"{launch_name}-2")
    redis.execute_command("FLUSHALL")
    mirror.reconcile(connection, redis)
    assert copy(redis, launch_name) == one.state and copy(redis, f"{launch_name}-2") == two.state
    assert redis.execute_command("SCARD", keys.LAUNCHES) == 2 and revision(redis) > 0
    settled = revision(redis)
    mirror.reconcile(connection, redis)
    assert revision(redis) == settled, "nothing changed, so nobody is told to look"


def test_a_change_whose_publisher_crashed_is_published(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    changed = update_launch(connection, launch_name, PAUSE, status=LaunchStatus.PAUSED)
    mirror.reconcile(connection, redis)
    assert copy(redis, launch_name) == changed.state


def test_a_rollback_made_on_redis_alone_is_recorded_once(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    fields = ("hold", "1", "hold_by", "ann@desk", "hold_why", "it burns", "hold_at", "1763900000123")
    redis.execute_command("HSET", keys.launch(launch_name), *fields, "hold_act", "rolled_back")
    for _ in range(4):
        mirror.reconcile(connection, redis)
    record = get_launch(connection, launch_name)
    assert (record.state.status, record.state.hold) == (LaunchStatus.ROLLED_BACK, True)
    assert copy(redis, launch_name) == record.state
    assert acts(connection, launch_name) == [("ann@desk", "rolled_back", "it burns")]
    assert list_events(connection, launch_name)[0].at.timestamp() == 1763900000.123


def test_a_rollback_that_a_judge_did_not_record_is_left_to_the_next_one_for_a_while(
    connection: Connection[Any],
    redis: RedisClient,
    launch_name: str,
    mirror: ControlSync,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start(connection, redis, launch_name)
    fields = ("hold", "1", "hold_by", "judge", "hold_why", "it differs", "hold_at", "1763900000123")
    redis.execute_command("HSET", keys.launch(launch_name), *fields, "hold_act", "rolled_back")
    for _ in range(3):
        mirror.reconcile(connection, redis)
    assert get_launch(connection, launch_name).state.status is LaunchStatus.ACTIVE
    monkeypatch.setattr("darklaunch_comparator.leader.control_sync.JUDGE_RECORDS_WITHIN_S", 0.0)
    mirror.reconcile(connection, redis)
    assert get_launch(connection, launch_name).state.status is LaunchStatus.ROLLED_BACK
    assert acts(connection, launch_name) == [("judge", "rolled_back", "it differs")]


def test_a_hold_set_by_hand_is_recorded_once_and_keeps_the_status(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1")
    for _ in range(3):
        mirror.reconcile(connection, redis)
    record = get_launch(connection, launch_name)
    assert (record.state.status, record.state.hold, copy(redis, launch_name).hold) == (LaunchStatus.ACTIVE, True, True)
    assert [act for _, act, _ in acts(connection, launch_name)] == ["held"]


def test_a_held_launch_that_is_rolled_back_on_redis_is_recorded_as_rolled_back(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1")
    mirror.reconcile(connection, redis)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1", "hold_act", "rolled_back", "hold_at", "5")
    mirror.reconcile(connection, redis)
    assert get_launch(connection, launch_name).state.status is LaunchStatus.ROLLED_BACK
    update_launch(connection, launch_name, PAUSE, status=LaunchStatus.PAUSED)
    for _ in range(3):
        mirror.reconcile(connection, redis)
    assert get_launch(connection, launch_name).state.status is LaunchStatus.PAUSED, "the old act does not come back"
    assert [act for _, act, _ in acts(connection, launch_name)] == ["held", "rolled_back", "paused"]


def test_a_recorded_hold_survives_a_flush(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    update_launch(connection, launch_name, LaunchAct("ann", "rolled_back"), status=LaunchStatus.ROLLED_BACK, hold=True)
    redis.execute_command("FLUSHALL")
    mirror.reconcile(connection, redis)
    assert copy(redis, launch_name).hold
    redis.execute_command("HDEL", keys.launch(launch_name), "hold")
    mirror.reconcile(connection, redis)
    assert copy(redis, launch_name).hold


def test_a_resume_whose_publisher_crashed_lifts_the_hold(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1", "hold_act", "rolled_back")
    mirror.reconcile(connection, redis)
    resumed = update_launch(connection, launch_name, RESUME, status=LaunchStatus.ACTIVE, hold=False)
    for _ in range(2):
        mirror.reconcile(connection, redis)
    assert copy(redis, launch_name) == resumed.state and not resumed.state.hold
    assert get_launch(connection, launch_name) == resumed


def test_a_hold_set_after_a_lifting_change_stays(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    publish_launch(redis, update_launch(connection, launch_name, RESUME, hold=False).state, lift_hold=True)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1")
    update_launch(connection, launch_name, LaunchAct("ann", "ramped"), percent=50)
    for _ in range(2):
        mirror.reconcile(connection, redis)
    assert copy(redis, launch_name).hold and get_launch(connection, launch_name).state.hold


def test_whoever_resumes_while_a_hold_is_taken_over_wins(
    connection: Connection[Any],
    redis: RedisClient,
    launch_name: str,
    mirror: ControlSync,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def and_then_someone_resumes(connection: Connection[Any]) -> list[LaunchRecord]:
        records = list_launches(connection)
        update_launch(connection, launch_name, RESUME, status=LaunchStatus.ACTIVE, hold=False)
        return records

    start(connection, redis, launch_name)
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1", "hold_act", "rolled_back")
    with monkeypatch.context() as patched:
        patched.setattr(mirror_module, "list_launches", and_then_someone_resumes)
        mirror.reconcile(connection, redis)
    for _ in range(2):
        mirror.reconcile(connection, redis)
    record = get_launch(connection, launch_name)
    assert (record.state.status, record.state.hold, copy(redis, launch_name).hold) == (
        LaunchStatus.ACTIVE,
        False,
        False,
    )


def test_an_emergency_stop_on_a_flushed_redis_is_not_lifted(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    start(connection, redis, launch_name)
    redis.execute_command("FLUSHALL")
    redis.execute_command("HSET", keys.launch(launch_name), "hold", "1")
    for _ in range(2):
        mirror.reconcile(connection, redis)
    assert copy(redis, launch_name).hold and get_launch(connection, launch_name).state.hold


def test_what_only_redis_knows_is_left_alone(
    connection: Connection[Any],
    redis: RedisClient,
    launch_name: str,
    mirror: ControlSync,
    caplog: pytest.LogCaptureFixture,
) -> None:
    start(connection, redis, launch_name)
    other = f"{launch_name}-other"
    redis.execute_command("SADD", keys.LAUNCHES, other)
    redis.execute_command("HSET", keys.launch(other), "status", "active", "revision", "7")
    redis.execute_command("HSET", keys.launch(launch_name), "revision", "999999", "percent", "55")
    for _ in range(3):
        mirror.reconcile(connection, redis)
    assert pair_fields(redis.execute_command("HGETALL", keys.launch(other))) == {
        b"status": b"active",
        b"revision": b"7",
    }
    assert copy(redis, launch_name).percent == 55
    assert [record.message[:80] for record in caplog.records if "another database" in record.message] != []
    assert len([record for record in caplog.records if "another database" in record.message]) == 1


def test_a_damaged_hash_stops_no_other_launch(
    connection: Connection[Any], redis: RedisClient, launch_name: str, mirror: ControlSync
) -> None:
    names = [f"{launch_name}-{number}" for number in range(3)]
    records = [start(connection, redis, name) for name in names]
    redis.execute_command("DEL", *[keys.launch(name) for name in names])
    redis.execute_command("SET", keys.launch(names[0]), "a string")
    redis.execute_command("HSET", keys.launch(names[1]), "revision", "not a number", "status", "??")
    mirror.reconcile(connection, redis)
    assert copy(redis, names[2]) == records[2].state
    assert copy(redis, names[1]) == records[1].state


def test_a_hold_that_was_set_again_is_not_taken_for_the_one_that_is_recorded(
    redis: RedisClient, launch_name: str
) -> None:
    name = keys.launch(launch_name)
    redis.execute_command("HSET", name, "hold", "1", "hold_at", "6", "hold_act", "rolled_back")
    assert call_script(redis, ScriptCall("mark_hold_recorded", (name,), ("5",))) == 0
    assert redis.execute_command("HGET", name, "hold_act") == b"rolled_back"
    assert call_script(redis, ScriptCall("mark_hold_recorded", (name,), ("6",))) == 1
    assert redis.execute_command("HGET", name, "hold_act") is None


def test_a_hold_that_was_lifted_meanwhile_is_not_restored(redis: RedisClient, launch_name: str) -> None:
    name = keys.launch(launch_name)
    redis.execute_command("HSET", name, "revision", "8")
    assert call_script(redis, ScriptCall("restore_hold", (name,), (7, "the record holds it"))) == 0
    assert redis.execute_command("HGET", name, "hold") is None
    assert call_script(redis, ScriptCall("restore_hold", (name,), (8, "the record holds it"))) == 1
    assert redis.execute_command("HGET", name, "hold") == b"1"

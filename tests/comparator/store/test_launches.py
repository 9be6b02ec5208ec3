"""Launches in the record: every change has its event and a higher revision, and is published once."""

from typing import Any

import psycopg
import pytest
from darklaunch_comparator.errors import LaunchChanged, LaunchExists, LaunchUnknown
from darklaunch_comparator.store.launches import (
    LaunchAct,
    create_launch,
    get_launch,
    list_events,
    list_launches,
    update_launch,
)
from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchSpec, LaunchStatus, parse_state
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.publish import publish_launch
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

SPEC = LaunchSpec(shadow="http://shadow:8000", allow=("POST /search",), rules='{"ignore":[{"path":"$.a"}]}')
ACT = LaunchAct("ann@desk", "started", "because \0 \ud800 of reasons")


def test_a_launch_is_recorded_with_its_first_event(connection: Connection[Any], launch_name: str) -> None:
    record = create_launch(connection, launch_name, SPEC, ACT, percent=12.5)
    assert get_launch(connection, launch_name) == record
    assert (record.state.spec, record.state.percent, record.state.status) == (SPEC, 12.5, LaunchStatus.ACTIVE)
    (event,) = list_events(connection, launch_name)
    assert (event.actor, event.act, event.revision) == ("ann@desk", "started", record.state.revision)
    assert event.data["spec"]["allow"] == ["POST /search"] and event.reason.startswith("because")
    with pytest.raises(LaunchExists):
        create_launch(connection, launch_name, SPEC, ACT, percent=1)


def test_a_change_tells_what_changed(connection: Connection[Any], launch_name: str) -> None:
    first = create_launch(connection, launch_name, SPEC, ACT, percent=10)
    second = update_launch(connection, launch_name, LaunchAct("bob", "ramped"), percent=50, status=LaunchStatus.PAUSED)
    assert second.state.revision > first.state.revision and second.updated_at >= first.updated_at
    latest, _ = list_events(connection, launch_name)
    assert latest.data == {"percent": {"from": 10, "to": 50}, "status": {"from": "active", "to": "paused"}}
    assert [each.state for each in list_launches(connection) if each.state.name == launch_name] == [second.state]


def test_revisions_never_go_down_even_in_a_database_restored_from_a_backup(
    connection: Connection[Any], launch_name: str
) -> None:
    record = create_launch(connection, launch_name, SPEC, ACT, percent=10, above=1_000)
    assert record.state.revision == 1_001
    assert update_launch(connection, launch_name, ACT, percent=11).state.revision == 1_002
    assert create_launch(connection, f"{launch_name}-b", SPEC, ACT, percent=1).state.revision == 1_003


def test_a_decision_on_an_old_revision_is_refused(connection: Connection[Any], launch_name: str) -> None:
    record = create_launch(connection, launch_name, SPEC, ACT, percent=10)
    update_launch(connection, launch_name, ACT, percent=11, only_at=record.state.revision)
    with pytest.raises(LaunchChanged):
        update_launch(connection, launch_name, ACT, percent=12, only_at=record.state.revision)
    assert get_launch(connection, launch_name).state.percent == 11


@pytest.mark.parametrize("percent", [-1, 100.1, float("nan")])
def test_what_cannot_be_a_launch_is_refused(connection: Connection[Any], launch_name: str, percent: float) -> None:
    with pytest.raises(BadLaunch):
        create_launch(connection, launch_name, SPEC, ACT, percent=percent)
    with pytest.raises(BadLaunch):
        create_launch(connection, "No Name", SPEC, ACT, percent=1)
    with pytest.raises(BadLaunch):
        create_launch(connection, launch_name, LaunchSpec(shadow="x", only=("\0",)), ACT, percent=1)
    with pytest.raises(LaunchUnknown):
        update_launch(connection, launch_name, ACT, percent=1)
    with pytest.raises(LaunchUnknown):
        get_launch(connection, launch_name)
    assert list_events(connection, launch_name) == []


def test_history_cannot_be_changed(connection: Connection[Any], launch_name: str) -> None:
    create_launch(connection, launch_name, SPEC, ACT, percent=1)
    for statement in (b"UPDATE darklaunch.event SET actor = 'eve'", b"DELETE FROM darklaunch.event"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(statement)


def test_what_is_published_is_what_is_recorded(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    record = create_launch(connection, launch_name, SPEC, ACT, percent=12.5)
    assert publish_launch(redis, record.state, lift_hold=False)
    stored = pair_fields(redis.execute_command("HGETALL", keys.launch(launch_name)))
    assert parse_state(launch_name, stored) == record.state
    assert redis.execute_command("SISMEMBER", keys.LAUNCHES, launch_name) == 1
    assert int(redis.execute_command("GET", keys.REVISION)) == 1
    assert not publish_launch(redis, record.state, lift_hold=False), "it is there already"


def test_an_older_revision_is_not_published_over_a_newer(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    old = create_launch(connection, launch_name, SPEC, ACT, percent=10)
    publish_launch(redis, update_launch(connection, launch_name, ACT, percent=0).state, lift_hold=False)
    assert not publish_launch(redis, old.state, lift_hold=True)
    assert redis.execute_command("HGET", keys.launch(launch_name), "percent") == b"0.0"

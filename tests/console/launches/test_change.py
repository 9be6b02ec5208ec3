"""Changes of a launch: answered as JSON, refused by name, and never over somebody else's."""

import importlib
import json

import psycopg
import pytest
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_console.launches.change import find_launch
from darklaunch_shared import keys

from tests.support.recorded import read_recorded

RAMP = importlib.import_module("darklaunch_console.acts.mirroring")


def revision(redis):
    return int(redis.execute_command("GET", keys.REVISION))


def test_a_change_meanwhile_is_not_overwritten(cli, launched, monkeypatch):
    def find_and_be_overtaken(redis, connection, name):
        before = find_launch(redis, connection, name)
        with psycopg.connect(cli.postgres_dsn) as another:
            update_launch(another, name, LaunchAct("judge", "ramped"), percent=50)
        return before

    monkeypatch.setattr(RAMP, "find_launch", find_and_be_overtaken)
    line = cli.error("ramp", launched, "5", code=1)
    assert line.startswith(f"Error: somebody else changed {launched} at the same moment. Look with")
    assert read_recorded(cli, launched)[0].percent == 50


def test_every_act_answers_in_json(cli, launched, nowhere):
    for command, status in (
        (["pause"], "paused"),
        (["resume"], "active"),
        (["promote", "--anyway", "--reason", "tried by hand"], "promoted"),
        (["rollback"], "rolled_back"),
    ):
        told = cli.json(command[0], launched, *command[1:])
        assert told["launch"] == launched
        assert (told["status"], told["changed"], told["shadow"]) == (status, True, nowhere)


@pytest.mark.parametrize("command", [["pause"], ["resume"], ["promote"], ["rollback"], ["drain"], ["audit"]])
def test_a_launch_that_is_not_there_is_named_with_the_one_that_was_meant(cli, launched, command):
    line = cli.error(*command, launched[:-1], code=1)
    assert line == f'Error: there is no launch "{launched[:-1]}". Did you mean "{launched}"?'


def test_a_launch_that_only_redis_has_is_not_changed(cli, redis, launch_name):
    spec = json.dumps({"shadow": "http://old"})
    values = ("revision", 3, "status", "active", "percent", 5, "spec", spec)
    redis.execute_command("HSET", keys.launch(launch_name), *values)
    line = cli.error("pause", launch_name, code=1)
    assert "is on this Redis, but not in this Postgres" in line
    assert f"`darklaunch rollback {launch_name}` stops it." in line

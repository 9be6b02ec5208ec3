import json
import time

import psycopg
import pytest
from darklaunch_comparator.store.launches import get_launch, list_events
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus, parse_state
from darklaunch_shared.launch.states import LaunchStates
from darklaunch_shared.wire.fields import pair_fields
from redis.exceptions import RedisError

from tests.support.cli import Cli, closed_port, redis_client


def stored(redis, name):
    return pair_fields(redis.execute_command("HGETALL", keys.launch(name)))


def polled(view, redis):
    """Make a hook's or worker's view poll once."""
    more = True
    while more:
        pipeline = redis.pipeline(transaction=False)
        for command in view.commands():
            pipeline.execute_command(*command)
        more = view.feed(pipeline.execute(raise_on_error=False), time.monotonic())
    return view.states(time.monotonic())


def test_rollback_stops_whoever_polls_next(cli, redis, launched):
    view = LaunchStates()
    assert polled(view, redis)[launched].fraction == 0.1
    said = cli.ok("rollback", launched, "--reason", "prices are wrong").splitlines()
    assert said[0] == f"{launched} is rolled back: within a second nothing is mirrored any more."
    assert polled(view, redis)[launched].fraction == 0
    with psycopg.connect(cli.postgres_dsn) as connection:
        state, event = get_launch(connection, launched).state, list_events(connection, launched)[0]
    assert (state.status, state.hold) == (LaunchStatus.ROLLED_BACK, True)
    assert (event.act, event.reason) == ("rolled_back", "prices are wrong")
    assert stored(redis, launched)[b"status"] == b"rolled_back"


def test_rolling_back_again_says_so(cli, launched):
    cli.ok("rollback", launched)
    assert cli.ok("rollback", launched) == f"{launched} is rolled back already: nothing is mirrored.\n"
    with psycopg.connect(cli.postgres_dsn) as connection:
        assert [event.act for event in list_events(connection, launched)] == ["rolled_back", "started"]


def test_resume_undoes_a_rollback(cli, redis, launched):
    cli.ok("rollback", launched)
    said = cli.ok("resume", launched)
    assert said.startswith(f"{launched} is active again")
    state = parse_state(launched, stored(redis, launched))
    assert (state.status, state.hold) == (LaunchStatus.ACTIVE, False)
    assert not [field for field in stored(redis, launched) if field.startswith(b"hold")]


def test_rollback_needs_no_postgres(cli, redis, launched):
    without = Cli(cli.redis_url, f"postgresql://127.0.0.1:{closed_port()}/gone", cli.home)
    result = without.run("rollback", launched, "--reason", "now")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{launched} is rolled back: within a second")
    assert "Warning: Redis has the rollback, the record has not: Postgres at 127.0.0.1:" in result.stderr
    assert "The comparator records it when Postgres is back." in result.stderr
    held = stored(redis, launched)
    assert (held[b"hold"], held[b"hold_why"], held[b"hold_act"]) == (b"1", b"now", b"rolled_back")
    assert abs(int(held[b"hold_at"]) / 1000 - time.time()) < 60
    assert b"@" in held[b"hold_by"]
    assert without.json("rollback", launched)["recorded"] is False


def test_rollback_needs_no_postgres_to_be_named(cli, redis, launched):
    assert Cli(cli.redis_url, None, cli.home).run("rollback", launched).exit_code == 0
    assert stored(redis, launched)[b"hold"] == b"1"


def test_rollback_of_what_is_not_recorded_stops_it(cli, redis, launch_name):
    spec = json.dumps({"shadow": "http://old"})
    redis.execute_command(
        "HSET", keys.launch(launch_name), "revision", 3, "status", "active", "percent", 5, "spec", spec
    )
    result = cli.run("rollback", launch_name)
    assert result.exit_code == 0
    assert (
        f"Warning: Redis has the rollback, the record has not: {launch_name} is not in this Postgres." in result.stderr
    )
    assert parse_state(launch_name, stored(redis, launch_name)).fraction == 0


def test_rollback_works_on_a_full_redis(cli, own_valkey, own_postgres_dsn, launch_name):
    full = Cli(own_valkey.url, own_postgres_dsn, cli.home)
    full.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    with redis_client(own_valkey.url) as redis:
        redis.execute_command("CONFIG", "SET", "maxmemory", "100kb")
        with pytest.raises(RedisError):
            redis.execute_command("SET", "any", "thing")
        assert full.run("rollback", launch_name).exit_code == 0
        assert parse_state(launch_name, stored(redis, launch_name)).fraction == 0
    with psycopg.connect(own_postgres_dsn) as connection:
        assert get_launch(connection, launch_name).state.status is LaunchStatus.ROLLED_BACK


def test_a_launch_that_redis_has_lost_is_rolled_back_before_it_comes_back(cli, redis, launched):
    redis.execute_command("DEL", keys.launch(launched))
    assert cli.ok("rollback", launched).startswith(f"{launched} is rolled back")
    assert parse_state(launched, stored(redis, launched)).status is LaunchStatus.ROLLED_BACK


def test_rollback_stops_a_launch_whose_control_state_is_damaged(cli, redis, launched):
    redis.execute_command("HSET", keys.launch(launched), "spec", "{")
    assert cli.run("rollback", launched).exit_code == 0
    assert parse_state(launched, stored(redis, launched)).status is LaunchStatus.ROLLED_BACK


def test_without_redis_the_rollback_is_recorded_and_said_not_to_be_told(cli, launched):
    without = Cli(f"redis://127.0.0.1:{closed_port()}", cli.postgres_dsn, cli.home)
    line = without.error("rollback", launched, code=3)
    assert "refused the connection" in line
    assert f"The rollback of {launched} is recorded, and the comparator publishes it when Redis is back" in line
    with psycopg.connect(cli.postgres_dsn) as connection:
        assert get_launch(connection, launched).state.status is LaunchStatus.ROLLED_BACK


def test_without_either_server_nothing_is_pretended(cli, launched):
    gone = closed_port()
    without = Cli(f"redis://127.0.0.1:{gone}", f"postgresql://127.0.0.1:{gone}/x", cli.home)
    line = without.error("rollback", launched, code=3)
    assert f"{launched} is NOT rolled back. Hooks stop by themselves 30 s after they lose Redis." in line

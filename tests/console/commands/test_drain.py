import importlib
import threading
import time

import pytest
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_console.stores.streams import read_streams
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import parse_state
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import counters, fields


def capture(redis, launch, number):
    redis.execute_command("XADD", keys.captures(launch), "*", *fields(launch, number))


def record(cli, launch, producer, count):
    """Record a row for each number of a producer, as a comparator does."""
    writer = ResultWriter(cli.postgres_dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
    at_ms = int(time.time() * 1000)
    rows = [ExchangeResult(f"{producer}:{number}", at_ms, "GET /", "GET", "matched") for number in range(1, count + 1)]
    try:
        assert writer.record(launch, rows) == []
    finally:
        writer.close()


DRAIN = importlib.import_module("darklaunch_console.commands.drain")


class Hand:
    """Does what workers, comparators and hooks would, an act before each look of the drain's but its first two."""

    def __init__(self, redis):
        self._redis, self._due = redis, []

    def soon(self, *acts):
        self._due = [None, None, *acts]

    def look(self, redis, state):
        if act := self._due.pop(0) if self._due else None:
            act(self._redis)
        return read_streams(redis, state)


@pytest.fixture
def hand(redis, monkeypatch):
    helping = Hand(redis)
    monkeypatch.setattr(DRAIN, "read_streams", helping.look)
    yield helping
    assert helping._due == []


def test_with_nothing_on_its_way_it_is_drained_at_once(cli, launched):
    cli.ok("ramp", launched, "0")
    assert cli.ok("drain", launched).startswith(f"{launched} is drained: nothing is in progress.\n")


def test_it_waits_until_the_streams_are_empty(cli, redis, launched, hand):
    cli.ok("ramp", launched, "0")
    capture(redis, launched, 1)

    def replay(redis):
        redis.execute_command("XADD", keys.replays(launched), "*", "v", "1")
        redis.execute_command("XTRIM", keys.captures(launched), "MAXLEN", 0)

    def compare(redis):
        redis.execute_command("XTRIM", keys.replays(launched), "MAXLEN", 0)

    hand.soon(replay, None, compare)
    told = cli.json("drain", launched)
    assert told["drained"] is True
    assert told["waited_s"] >= 0.6, "looks are 0.2 s apart"
    assert sum(told["left"].values()) == 0


def test_when_time_is_up_it_says_what_is_left(cli, redis, launched):
    for number in range(3):
        capture(redis, launched, number)
    redis.execute_command("XGROUP", "CREATE", keys.captures(launched), "workers", "0")
    taken = ("XREADGROUP", "GROUP", "workers", "c", "COUNT", 1, "STREAMS", keys.captures(launched), ">")
    redis.execute_command(*taken)
    redis.execute_command("XADD", keys.replays(launched), "*", "v", "1")
    result = cli.run("drain", launched, "--timeout", "300ms")
    assert result.exit_code == 1
    assert "2 waiting for a worker, 1 being replayed, 1 waiting to be compared." in result.stdout
    told = cli.json("drain", launched, "--timeout", "0s", code=1)
    assert told["left"] == {"in_buffers": 0, "waiting": 2, "replaying": 1, "comparing": 1, "lost": 0}


def test_what_is_sampled_meanwhile_is_not_waited_for(cli, redis, launched, hand):
    capture(redis, launched, 1)

    def pass_the_first(redis):
        ((first, _),) = redis.execute_command("XRANGE", keys.captures(launched), "-", "+")
        capture(redis, launched, 2)
        redis.execute_command("XDEL", keys.captures(launched), first)

    hand.soon(pass_the_first)
    said = cli.ok("drain", launched, "--timeout", "20s")
    assert said.startswith(f"Every exchange that {launched} had sampled has an outcome, after ")
    assert f"Sampling goes on at 10 %; darklaunch ramp {launched} 0 ends it." in said


def test_it_waits_for_the_buffers_of_living_hooks(cli, redis, launched, hand):
    producer = launched[2:]
    call_script(redis, heartbeat(keys.HOOKS, producer, {}))
    redis.execute_command("HSET", keys.producers(launched), producer, counters(producer, seq=1, sampled=4))
    told = cli.json("drain", launched, "--timeout", "100ms", code=1)
    assert told["left"]["in_buffers"] == 3
    record(cli, launched, producer, 4)
    later = counters(producer, seq=4, sampled=4, at_ms=2)
    hand.soon(lambda redis: redis.execute_command("HSET", keys.producers(launched), producer, later))
    assert cli.json("drain", launched)["drained"] is True


def test_a_killed_hooks_buffer_is_not_waited_for(cli, redis, launched):
    redis.execute_command("HSET", keys.producers(launched), "gone", counters("gone", seq=1, sampled=4))
    record(cli, launched, "gone", 1)
    assert cli.json("drain", launched)["drained"] is True


def test_what_redis_lost_has_no_outcome_for_drain_as_for_audit(cli, redis, launched):
    cli.ok("ramp", launched, "0")
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=30, sampled=30, closed=True))
    record(cli, launched, "p1", 3)  # the streams are as FLUSHALL leaves them
    assert cli.json("audit", launched, code=1)["lost"] == 27
    result = cli.run("drain", launched, "--timeout", "300ms")
    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert said[0].startswith(f"{launched} is not drained after ")
    assert said[0].endswith(": 27 exchanges have no outcome.")
    assert "Redis lost them" in said[1]
    assert all(len(line) <= 80 for line in said[1:3])
    told = cli.json("drain", launched, "--timeout", "0s", code=1)
    assert (told["drained"], told["left"]["lost"]) == (False, 27)


def test_it_waits_until_what_redis_lost_is_recorded(cli, redis, launched, monkeypatch):
    cli.ok("ramp", launched, "0")
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=2, sampled=2, closed=True))
    counted, read_account = [], DRAIN.read_account

    def read_then_record(*arguments):
        account = read_account(*arguments)
        counted.append(account.lost)
        if account.lost:
            record(cli, launched, "p1", 2)
        return account

    monkeypatch.setattr(DRAIN, "read_account", read_then_record)
    told = cli.json("drain", launched)
    assert (told["drained"], told["left"]["lost"], counted) == (True, 0, [2, 0])


def test_a_paused_launch_holds_its_backlog(cli, redis, launched):
    capture(redis, launched, 1)
    cli.ok("pause", launched)
    line = cli.error("drain", launched, code=1)
    assert line == (
        f"Error: {launched} is paused: workers hold 1 exchange. Replay them with `darklaunch resume {launched}`, "
        f"or give them up with `darklaunch drain {launched} --discard`."
    )


def test_discarding_tells_workers_to_settle_what_waits_and_then_no_more(cli, redis, launched, hand):
    capture(redis, launched, 1)
    cli.ok("pause", launched)
    seen = []

    def obey(redis):
        stored = pair_fields(redis.execute_command("HGETALL", keys.launch(launched)))
        seen.append(parse_state(launched, stored).discard_reason)
        redis.execute_command("XTRIM", keys.captures(launched), "MAXLEN", 0)

    hand.soon(obey)
    cli.ok("drain", launched, "--discard")
    assert seen == ["paused"]
    stored = pair_fields(redis.execute_command("HGETALL", keys.launch(launched)))
    assert parse_state(launched, stored).discard_reason == ""


def test_only_a_paused_launch_can_be_discarded(cli, launched):
    line = cli.error("drain", launched, "--discard", code=1)
    assert line == (f"Error: {launched} is not paused: nothing is held. Pause it first: darklaunch pause {launched}.")


def test_a_bad_timeout_is_named(cli, launched):
    assert "'60' has no unit" in cli.error("drain", launched, "--timeout", "60", code=2)

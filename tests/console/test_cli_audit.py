import psycopg
import pytest
from darklaunch_console.maintaining import audit
from darklaunch_shared import keys
from darklaunch_shared.alive import heartbeat
from darklaunch_shared.scripting import Call, call_script

from .cli_lab import Cli, closed_port, counters, fields, redis_client


@pytest.fixture
def cli(redis_url, postgres_dsn, tmp_path):
    return Cli(redis_url, postgres_dsn, str(tmp_path))


@pytest.fixture
def redis(redis_url):
    with redis_client(redis_url) as client:
        yield client


@pytest.fixture
def launched(cli, launch_name):
    cli.ok("start", launch_name, "--shadow", f"http://127.0.0.1:{closed_port()}")
    return launch_name


def admit(redis, launch, count):
    """Put exchanges on the stream as a hook does."""
    values = [part for number in range(1, count + 1) for part in fields(launch, number)[5::2]]
    names = (keys.captures(launch), keys.ledger(launch), keys.admitted(launch))
    assert call_script(redis, Call("admit", names, (1000, "p1", 1, *values))) == count


def record(cli, launch, **tally):
    """Write rows' sums as a comparator does."""
    with psycopg.connect(cli.postgres_dsn) as connection:
        for outcome, number in tally.items():
            connection.execute("INSERT INTO darklaunch.tally VALUES (%s, %s, '', %s)", [launch, outcome, number])
        connection.execute(
            "INSERT INTO darklaunch.producer (launch, producer, recorded) VALUES (%s, 'p1', %s)",
            [launch, sum(tally.values())],
        )


def test_a_fresh_launch_balances(cli, launched):
    assert cli.ok("audit", launched).startswith("balanced: 0 sampled = 0 settled + 0 on their way, 0 lost\n")


def test_a_running_launch_balances_with_what_is_on_its_way(cli, redis, launched):
    admit(redis, launched, 5)
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=5, sampled=8, shed=2))
    call_script(redis, heartbeat(keys.HOOKS, "p1", {}))
    said = cli.ok("audit", launched).splitlines()
    assert said[0] == "balanced: 8 sampled = 2 settled + 6 on their way, 0 lost"
    assert "dropped 2 (shed 2)" in said[1]
    assert said[2] == "  on their way: 1 in hooks' outboxes, 5 on captures, 0 on replays"
    assert said[3] == "    captures: 5 unread, 0 with workers; replays: 0 unread, 0 with comparators"
    assert said[-1].split() == ["p1", "8", "5", "0", "5", "2", "1", "alive"]
    assert all(len(line) <= 80 for line in said[2:])
    told = cli.json("audit", launched, "--strict", code=1)
    assert (told["balanced"], told["ok"], told["on_its_way"]) == (True, False, 6)


def test_several_producers_are_added_up(cli, redis, launched):
    admit(redis, launched, 5)
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=5, sampled=8, shed=2))
    redis.execute_command("HSET", keys.producers(launched), "p2", counters("p2", seq=0, sampled=3, closed=True, oom=3))
    said = cli.ok("audit", launched).splitlines()
    assert [line.split()[:7] for line in said[-3:]] == [
        ["p1", "8", "5", "0", "5", "2", "1"],
        ["p2", "3", "0", "0", "0", "3", "0"],
        ["all", "11", "5", "0", "5", "5", "1"],
    ]
    told = cli.json("audit", launched)
    assert (told["captures_unread"], told["captures_pending"], told["dead_letters"]) == (5, 0, 0)
    assert told["producers"][0]["shed"] == 2
    assert told["producers"][0]["admitted"] == 5


def test_a_drained_launch_balances_strictly(cli, redis, launched):
    admit(redis, launched, 5)
    redis.execute_command("XTRIM", keys.captures(launched), "MAXLEN", 0)
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=5, sampled=5, closed=True))
    record(cli, launched, matched=3, mismatched=1, dead=1)
    said = cli.ok("audit", launched, "--strict")
    assert said.startswith("balanced: 5 sampled = 5 settled + 0 on their way, 0 lost\n")
    assert "settled: matched 3, mismatched 1, ignored 0, unverified 0, shadow error 0, dead 1, dropped 0" in said


def test_a_loss_is_loud(cli, redis, launched, monkeypatch):
    monkeypatch.setattr(audit, "BETWEEN_LOOKS_S", 0.01)
    admit(redis, launched, 5)
    redis.execute_command("XTRIM", keys.captures(launched), "MAXLEN", 2)
    record(cli, launched, matched=1)
    result = cli.run("audit", launched)
    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert said[0] == "NOT BALANCED: 5 sampled, but 1 settled + 2 on their way: 2 lost"
    assert any("3 on captures, then neither there nor taken off it" in line for line in said)
    assert "darklaunch doctor" in said[-1]
    told = cli.json("audit", launched, code=1)
    assert (told["balanced"], told["lost"]) == (False, 2)


def test_what_a_killed_app_held_is_said_and_no_failure(cli, redis, launched):
    redis.execute_command("HSET", keys.producers(launched), "gone", counters("gone", seq=0, sampled=4))
    said = cli.ok("audit", launched)
    expected = "balanced: 4 sampled = 0 settled + 0 on their way + 4 gone with processes that were killed, 0 lost"
    assert said.splitlines()[0] == expected


def test_damaged_counters_are_left_out(cli, redis, launched):
    redis.execute_command("HSET", keys.producers(launched), "p1", b"\xff{", "p2", counters("p2", seq=0, sampled=0))
    assert cli.ok("audit", launched).startswith("balanced: 0 sampled")

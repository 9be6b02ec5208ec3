import threading
import time

import psycopg
import pytest
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_console.audit import launch_audit
from darklaunch_shared import keys
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import ScriptCall, call_script

from tests.support.cli import counters, fields


def admit(redis, launch, count):
    """Put exchanges on the stream as a hook does."""
    values = [part for number in range(1, count + 1) for part in fields(launch, number)[5::2]]
    names = (keys.captures(launch), keys.ledger(launch), keys.admitted(launch))
    assert call_script(redis, ScriptCall("admit", names, (1000, "p1", 1, *values))) == count


def record(cli, launch, **tally):
    """Record rows of the producer p1, as a comparator does."""
    outcomes = [outcome for outcome, number in tally.items() for _ in range(number)]
    write(cli, launch, [finding(f"p1:{number}", outcome) for number, outcome in enumerate(outcomes, 1)])


def finding(identity, outcome="matched", at_ms=0, **more):
    return ExchangeResult(identity, at_ms or int(time.time() * 1000), "GET /", "GET", outcome, **more)


def write(cli, launch, findings):
    recorder = ResultWriter(cli.postgres_dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
    try:
        assert recorder.record(launch, findings) == []
    finally:
        recorder.close()


def finish(redis, launch, count, producer="p1"):
    """Leave nothing on the stream, and the hook closed."""
    redis.execute_command("XTRIM", keys.captures(launch), "MAXLEN", 0)
    said = counters(producer, seq=count, sampled=count, closed=True)
    redis.execute_command("HSET", keys.producers(launch), producer, said)


def change(cli, statement, *values):
    with psycopg.connect(cli.postgres_dsn) as connection:
        return connection.execute(statement, values)


def test_a_fresh_launch_balances(cli, launched):
    assert cli.ok("audit", launched).startswith("balanced: 0 sampled = 0 with an outcome + 0 on their way, 0 lost\n")


def test_a_running_launch_balances_with_what_is_on_its_way(cli, redis, launched):
    admit(redis, launched, 5)
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=5, sampled=8, shed=2))
    call_script(redis, heartbeat(keys.HOOKS, "p1", {}))
    said = cli.ok("audit", launched).splitlines()
    assert said[0] == "balanced: 8 sampled = 2 with an outcome + 6 on their way, 0 lost"
    assert said[2] == "    dead 0, dropped 2 (shed 2)"
    assert said[3] == "  on their way: 1 in the apps' memory; 5 waiting for a worker, 0 with workers; 0"
    assert said[4] == "    waiting for a comparator, 0 with comparators"
    assert said[7].split() == ["p1", "8", "5", "5", "2", "2", "1", "alive"]
    assert said[10].split() == ["p1", "5", "–", "–", "–", "–"]
    assert said[-2:] == ["why dropped", "p1  by the hook: shed 2"]
    assert all(len(line) <= 80 for line in said)
    told = cli.json("audit", launched, "--strict", code=1)
    assert (told["balanced"], told["ok"], told["on_its_way"]) == (True, False, 6)


def test_an_entry_under_a_producers_next_number_is_seen(cli, redis, launched):
    admit(redis, launched, 2)
    assert cli.json("audit", launched)["uninvited"] == 0
    call_script(redis, ScriptCall("create_group", (keys.captures(launched),), (keys.WORKER_GROUP,)))
    redis.execute_command("XADD", keys.captures(launched), "*", *fields(launched, 3))
    admit(redis, launched, 3)  # the app's own exchange of that number
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=3, sampled=3, closed=True))
    said = cli.ok("audit", launched)
    assert said.splitlines()[0].startswith("balanced: 3 sampled")
    assert "1 entry on its streams was not written by darklaunch." in " ".join(said.split())
    assert cli.json("audit", launched)["uninvited"] == 1


def test_several_producers_are_added_up(cli, redis, launched):
    admit(redis, launched, 5)
    redis.execute_command("HSET", keys.producers(launched), "p1", counters(seq=5, sampled=8, shed=2))
    redis.execute_command("HSET", keys.producers(launched), "p2", counters("p2", seq=0, sampled=3, closed=True, oom=3))
    said = cli.ok("audit", launched).splitlines()
    assert [line.split()[:7] for line in said[7:10]] == [
        ["p1", "8", "5", "5", "2", "2", "1"],
        ["p2", "3", "–", "–", "3", "–", "–"],
        ["all", "11", "5", "5", "5", "2", "1"],
    ]
    assert said[-2:] == ["p1  by the hook: shed 2", "p2  by the hook: oom 3"]
    told = cli.json("audit", launched)
    assert (told["captures_unread"], told["captures_pending"], told["dead_letters"]) == (5, 0, 0)
    assert told["producers"][0]["shed"] == 2
    assert told["producers"][0]["admitted"] == 5


def test_each_producers_exchanges_are_found_where_they_are(cli, redis, launched):
    """p1: 4 unread, 2 with workers, 1 to compare, 1 of the comparator's, 2 recorded, 3 lost; p2 none but a letter."""
    captures, replays = keys.captures(launched), keys.replays(launched)
    admit(redis, launched, 13)
    redis.execute_command("HSET", keys.producers(launched), "p2", counters("p2", seq=1, sampled=3, closed=True, oom=2))
    for stream, group in ((captures, keys.WORKER_GROUP), (replays, keys.COMPARATOR_GROUP)):
        call_script(redis, ScriptCall("create_group", (stream,), (group,)))
    for identity in ("p1:1", "p1:2"):
        redis.execute_command("XADD", replays, "*", "v", "1", "id", identity)
    redis.execute_command("XREADGROUP", "GROUP", keys.COMPARATOR_GROUP, "c", "COUNT", 1, "STREAMS", replays, ">")
    redis.execute_command("XTRIM", captures, "MAXLEN", 6)
    redis.execute_command("XREADGROUP", "GROUP", keys.WORKER_GROUP, "w", "COUNT", 2, "STREAMS", captures, ">")
    redis.execute_command("XADD", captures, "*", "from", "a stranger")
    redis.execute_command("XADD", keys.dead(launched), "*", "v", "1", "id", "p2:1")
    write(cli, launched, [finding("p1:3"), finding("p1:4", "dropped", reason="stale"), finding("p2:1", "dead")])
    result = cli.run("audit", launched)
    said = result.stdout.splitlines()
    assert (result.exit_code, said[0]) == (
        1,
        "NOT BALANCED: 16 sampled, but 5 with an outcome + 8 on their way: 3 lost",
    )
    table = next(at for at, line in enumerate(said) if line.startswith("of enqueued"))
    assert [line.split() for line in said[table : table + 5]] == [
        ["of", "enqueued", "unread", "pending", "rows", "gap", "dead", "letters"],
        ["p1", "5", "3", "2", "3", "–"],
        ["p2", "–", "–", "1", "–", "1"],
        ["no", "producer", "1", "–", "–", "–", "–"],
        ["all", "6", "3", "3", "3", "1"],
    ]
    assert [line.split() for line in said[table + 6 : table + 10]] == [
        ["of", "rows", "matched", "dropped", "dead"],
        ["p1", "1", "1", "–"],
        ["p2", "–", "–", "1"],
        ["all", "1", "1", "1"],
    ]
    assert said[table + 12 : table + 14] == ["p1  later: stale 1", "p2  by the hook: oom 2"]
    told = cli.json("audit", launched, code=1)
    one, two = told["producers"]
    assert one["held"] == {
        "captures_unread": 4, "captures_pending": 2, "replays_unread": 1, "replays_pending": 1, "dead_letters": 0,
    }  # fmt: skip
    assert (one["unread"], one["pending"], one["gap"], one["row_reasons"]) == (5, 3, 3, {"stale": 1})
    assert (two["outcomes"]["dead"], two["held"]["dead_letters"], two["reasons"]) == (1, 1, {"oom": 2})
    assert told["foreign_entries"]["captures_unread"] == 1


def test_what_takes_too_long_to_count_is_left_out_and_said(cli, redis, launched, monkeypatch):
    admit(redis, launched, 5)
    monkeypatch.setattr(launch_audit, "COUNT_S", 0.0)
    said = cli.ok("audit", launched).splitlines()
    assert said[0] == "balanced: 5 sampled = 0 with an outcome + 5 on their way, 0 lost"
    assert "5 waiting for a worker, 0 with workers; 0 waiting for a comparator" in " ".join(" ".join(said).split())
    assert any(line.startswith("More is on the streams than can be counted by process") for line in said)
    (one,) = cli.json("audit", launched)["producers"]
    assert (one["held"], one["gap"]) == (None, None)


def test_a_drained_launch_balances_strictly(cli, redis, launched):
    admit(redis, launched, 5)
    finish(redis, launched, 5)
    record(cli, launched, matched=3, mismatched=1, dead=1)
    said = cli.ok("audit", launched, "--strict")
    assert [line.split() for line in said.splitlines()[-5:-3]] == [
        ["of", "rows", "matched", "mismatched", "dead"],
        ["p1", "3", "1", "1"],
    ]
    assert "5 rows read: each exchange has one, and they add up to every sum that is kept of them." in " ".join(
        said.split()
    )
    assert said.startswith("balanced: 5 sampled = 5 with an outcome + 0 on their way, 0 lost\n")
    settled = "outcomes: matched 3, mismatched 1, ignored 0, unverified 0, shadow error 0, dead 1, dropped 0"
    assert settled in " ".join(said.split())


def test_a_loss_is_loud(cli, redis, launched, monkeypatch):
    admit(redis, launched, 5)
    redis.execute_command("XTRIM", keys.captures(launched), "MAXLEN", 2)
    record(cli, launched, matched=1)
    result = cli.run("audit", launched)
    assert result.exit_code == 1
    said = result.stdout.splitlines()
    assert said[0] == "NOT BALANCED: 5 sampled, but 1 with an outcome + 2 on their way: 2 lost"
    assert any("3 on captures, then neither there nor taken off it" in line for line in said)
    assert "darklaunch doctor" in said[-2]
    told = cli.json("audit", launched, code=1)
    assert (told["balanced"], told["lost"]) == (False, 2)


def test_what_a_killed_app_held_is_said_and_no_failure(cli, redis, launched):
    redis.execute_command("HSET", keys.producers(launched), "gone", counters("gone", seq=0, sampled=4))
    said = cli.ok("audit", launched).splitlines()
    expected = (
        "balanced: 4 sampled = 0 with an outcome + 0 on their way + 4 gone with processes that were killed, 0 lost"
    )
    assert f"{said[0]} {said[1].strip()}" == expected


def test_what_strangers_wrote_into_the_books_is_left_out(cli, redis, launched):
    admit(redis, launched, 2)
    redis.execute_command("HSET", keys.admitted(launched), "\x1b[2J", 5, "x" * 500, 7, "p8", "9" * 30, "p9", -1)
    redis.execute_command("HSET", keys.ledger(launched), "admitted", "lots", b"\xff", "9" * 30)
    redis.execute_command("HSET", keys.producers(launched), "\x1b", counters("\x1b[2J", seq=4, sampled=4))
    assert cli.ok("audit", launched).startswith("balanced: 2 sampled = 0 with an outcome + 2 on their way, 0 lost\n")
    redis.execute_command("XTRIM", keys.captures(launched), "MAXLEN", 1)
    assert cli.run("audit", launched).stdout.startswith(
        "NOT BALANCED: 2 sampled, but 0 with an outcome + 1 on their way"
    )
    redis.execute_command("DEL", keys.captures(launched))
    redis.execute_command("SET", keys.captures(launched), "x")
    assert "stores something else under a key of darklaunch" in cli.error("audit", launched, code=3)


def test_damaged_counters_are_left_out(cli, redis, launched):
    redis.execute_command("HSET", keys.producers(launched), "p1", b"\xff{", "p2", counters("p2", seq=0, sampled=0))
    assert cli.ok("audit", launched).startswith("balanced: 0 sampled")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (
            "DELETE FROM darklaunch.result WHERE launch = %s AND exchange_id = 'p1:2'",
            ["producer p1: 3 rows, 4 recorded; the first number without a row is 2", "matched: 3 rows, 4 in the tally",
             "matched: 3 rows, 4 in the rolling statistics"],
        ),
        (
            "UPDATE darklaunch.result SET outcome = 'ignored' WHERE launch = %s AND exchange_id = 'p1:3'",
            ["ignored: 1 row, 0 in the tally", "matched: 3 rows, 4 in the tally",
             "matched: 3 rows, 4 in the rolling statistics", "ignored: 1 row, 0 in the rolling statistics"],
        ),
        (
            "UPDATE darklaunch.bucket SET matched = matched + 2 WHERE launch = %s",
            ["matched: 4 rows, 6 in the rolling statistics"],
        ),
    ],
    ids=["a row is gone", "a row says something else", "the rolling statistics are off"],
)  # fmt: skip
def test_strict_reads_the_rows_and_says_where_they_differ(cli, redis, launched, damage, told):
    admit(redis, launched, 4)
    finish(redis, launched, 4)
    record(cli, launched, matched=4)
    change(cli, damage, launched)
    assert cli.ok("audit", launched).startswith("balanced: 4 sampled")
    result = cli.run("audit", launched, "--strict")
    assert result.exit_code == 1
    said = result.stdout.splitlines()
    expected = "balanced, but its rows are not right: 4 sampled = 4 with an outcome + 0 on their way, 0 lost"
    assert f"{said[0]} {said[1].strip()}" == expected
    assert [line.removeprefix("NOT EQUAL: ") for line in said if line.startswith("NOT EQUAL")] == told
    assert sum("Look closer: darklaunch " in line for line in said) == len(told)
    found = cli.json("audit", launched, "--strict", code=1)
    assert [f"{one['what']}: {one['between']}" for one in found["deviations"]] == told
    assert (found["balanced"], found["ok"]) == (True, False)


def test_strict_finds_an_exchange_that_has_two_rows(cli, redis, launched, monkeypatch):
    admit(redis, launched, 2)
    finish(redis, launched, 2)
    now_ms = int(time.time() * 1000)
    write(cli, launched, [finding("p1:1"), finding("p1:2")])
    write(cli, launched, [finding("p1:1", at_ms=now_ms - 2 * 86_400_000)])
    result = cli.run("audit", launched, "--strict")
    assert result.exit_code == 1
    assert "NOT EQUAL: recorded twice: 1 exchange has more than one row, the first is p1:1" in result.stdout


def test_rows_past_retention_are_no_deviation_but_a_surplus_is(cli, redis, launched, monkeypatch):
    admit(redis, launched, 3)
    finish(redis, launched, 3)
    record(cli, launched, matched=3)
    change(cli, "UPDATE darklaunch.launch SET created_at = now() - interval '90 days' WHERE name = %s", launched)
    change(cli, "DELETE FROM darklaunch.result WHERE launch = %s AND exchange_id = 'p1:1'", launched)
    assert "are past retention: only a surplus would show" in cli.ok("audit", launched, "--strict")
    change(cli, "UPDATE darklaunch.producer SET recorded = 1 WHERE launch = %s", launched)
    assert "producer p1: 2 rows, 1 recorded" in cli.run("audit", launched, "--strict").stdout


def test_rows_that_take_too_long_to_read_are_said_and_a_failure(cli, redis, launched):
    with psycopg.connect(cli.postgres_dsn) as busy:
        busy.execute("LOCK TABLE darklaunch.bucket IN ACCESS EXCLUSIVE MODE")
        result = cli.run("audit", launched, "--strict", "--within", "0.2")
    assert result.exit_code == 1
    assert "NOT READ: the rows take longer to count than 0.2 s." in result.stdout
    assert f"darklaunch audit {launched} --strict --within 2" in result.stdout


def test_forty_processes_fit_a_screen(cli, redis, launched):
    for number in range(40):
        redis.execute_command(
            "HSET",
            keys.producers(launched),
            f"worker{number:02}",
            counters(f"worker{number:02}", seq=1_000, sampled=1_000, closed=True),
        )
    change(
        cli,
        """INSERT INTO darklaunch.producer (launch, producer, seq, sampled, recorded)
                   SELECT %s, 'worker' || to_char(n, 'FM00'), 1000, 1000, 1000 FROM generate_series(0, 39) AS n""",
        launched,
    )
    change(cli, "INSERT INTO darklaunch.tally VALUES (%s, 'matched', '', 40000)", launched)
    call_script(redis, heartbeat(keys.HOOKS, "worker07", {}))
    said = cli.ok("audit", launched).splitlines()
    assert [line.split() for line in said[5:8]] == [
        ["worker07", "1,000", "1,000", "–", "–", "–", "–", "alive"],
        ["39", "others", "39,000", "39,000", "–", "–", "–", "–", "ended"],
        ["all", "40,000", "40,000", "–", "–", "–", "–", "1", "alive"],
    ]
    assert all(len(line) <= 80 for line in said)
    assert len(cli.ok("audit", launched, "--all").splitlines()) == len(said) + 2 * 38
    assert len(cli.json("audit", launched)["producers"]) == 40

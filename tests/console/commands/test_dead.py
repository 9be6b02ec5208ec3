import time

import pytest
from darklaunch_console.output.table import measure_width
from darklaunch_shared import keys
from darklaunch_shared.wire.dead_letter import pack_dead_letter
from darklaunch_shared.wire.exchange import unpack_exchange
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import exchange
from tests.support.pack_exchange import pack_exchange


def bury(redis, launch, number=1, *, group="workers", age_s=10.0, own=None):
    """Put a dead letter where `bury.lua` puts it; give its entry id."""
    at_ms = int((time.time() - age_s) * 1000)
    own = pack_exchange(exchange(launch, number, at_ms=at_ms)) if own is None else own
    dead = pack_dead_letter(own, "delivered 5 times without an outcome", group, 5, at_ms)
    flat = [part for pair in dead.items() for part in pair]
    return redis.execute_command("XADD", keys.dead(launch), "*", *flat).decode()


def test_no_dead_letters(cli, launched):
    assert cli.ok("dead", "list", launched) == f"{launched} has no dead letters.\n"


def test_list_shows_the_latest_first(cli, redis, launched):
    bury(redis, launched, 1)
    bury(redis, launched, 2)
    lines = cli.ok("dead", "list", launched).splitlines()
    assert lines[0] == f"2 dead letters of {launched}, the latest first:"
    assert lines[2].split() == ["p1:2", "10", "s", "workers", "GET", "/orders/2"]
    assert lines[3] == "    delivered 5 times without an outcome"
    assert lines[4].startswith("p1:1 ")
    assert lines[6] == f"Next: darklaunch dead show {launched} p1:2"
    told = cli.json("dead", "list", launched, "--limit", "1")
    assert (told["dead"], len(told["letters"])) == (2, 1)


def test_many_letters_are_read_page_by_page(cli, redis, launched):
    for number in range(45):
        bury(redis, launched, number)
    told = cli.json("dead", "list", launched, "--limit", "1000")
    assert [letter["exchange"] for letter in told["letters"]] == [f"p1:{number}" for number in range(44, -1, -1)]


def test_a_broken_letter_is_shown_and_steers_no_terminal(cli, redis, launched):
    entry = bury(redis, launched, own={b"v": b"9", b"meta": b"\x1b[31m{", b"x\n": b"\x00\xff"})
    listed = cli.ok("dead", "list", launched).splitlines()
    assert listed[2].split() == [entry, "10", "s", "workers", "unreadable"]
    said = cli.ok("dead", "show", launched, entry)
    assert said.endswith(f"Next: darklaunch dead purge {launched} {entry}\n")
    assert "\x1b" not in said
    assert "\\x1b[31m{" in said
    told = cli.json("dead", "show", launched, entry)
    assert told["fields"]["x\n"] == {"base64": "AP8="}


def test_show_gives_the_letter_whole(cli, redis, launched):
    bury(redis, launched, 7)
    said = cli.ok("dead", "show", launched, "p1:7")
    assert said.startswith("p1:7 died with the workers\n  delivered 5 times without an outcome\n  5 deliveries, 20")
    assert '"target": "/orders/7"' in said
    assert 'response (8 bytes)\n  {"id":1}' in said
    assert cli.json("dead", "show", launched, "p1:7")["fields"]["response"] == '{"id":1}'


def test_the_list_fits_a_screen_whatever_strangers_wrote(cli, redis, launched):
    hostile = pack_exchange(exchange(launched, 1)) | {b"id": b"p" * 32 + b":" + b"9" * 18}
    target = b'"target":"/' + "\u202e\u8fd9".encode() * 500 + b'"'
    hostile[b"meta"] = hostile[b"meta"].replace(b'"target":"/orders/1"', target)
    bury(redis, launched, own=hostile, group="\x1b[2J" * 20)
    bury(redis, launched, own={b"x": b"y"})
    listed = cli.ok("dead", "list", launched)
    assert all(measure_width(line) <= 80 for line in listed.splitlines())
    assert "\x1b" not in listed
    assert "\u202e" not in listed


def test_an_unknown_letter_says_where_to_look(cli, launched):
    line = cli.error("dead", "show", launched, "p1:9", code=1)
    assert line == f'Error: {launched} has no dead letter "p1:9". See `darklaunch dead list {launched}`.'


@pytest.mark.parametrize(("group", "stream"), [("workers", keys.captures), ("comparators", keys.replays)])
def test_retry_puts_a_letter_back_where_it_died(cli, redis, launched, group, stream):
    bury(redis, launched, 3, group=group)
    assert cli.ok("dead", "retry", launched, "p1:3") == f"1 dead letter of {launched} put back.\n"
    ((_, put_back),) = redis.execute_command("XRANGE", stream(launched), "-", "+")
    assert unpack_exchange(pair_fields(put_back)).id == "p1:3"
    assert not [field for field in pair_fields(put_back) if field.startswith(b"dead_")]
    assert redis.execute_command("XLEN", keys.dead(launched)) == 0
    assert pair_fields(redis.execute_command("HGETALL", keys.ledger(launched)))[b"retried"] == b"1"


def test_what_workers_would_drop_as_stale_is_not_put_back(cli, redis, launched):
    bury(redis, launched, 3, age_s=3600)
    result = cli.run("dead", "retry", launched, "p1:3")
    assert result.exit_code == 1
    assert "1 dead letter older than" in result.stderr
    assert "max age (5 min) not put back" in result.stderr
    assert redis.execute_command("XLEN", keys.dead(launched)) == 1
    assert redis.execute_command("XLEN", keys.captures(launched)) == 0


def test_a_letter_without_a_group_cannot_go_back(cli, redis, launched):
    entry = redis.execute_command("XADD", keys.dead(launched), "*", "x", "y").decode()
    assert "does not say in which group it died" in cli.error("dead", "retry", launched, entry, code=1)


def test_all_letters_are_meant_only_when_said(cli, redis, launched):
    bury(redis, launched, 1)
    bury(redis, launched, 2)
    for command in ("retry", "purge"):
        line = cli.error("dead", command, launched, code=2)
        assert line.startswith("Error: 2 dead letters: name one, or add --yes to mean all of them.")
    assert cli.json("dead", "retry", launched, "--yes")["retried"] == ["p1:2", "p1:1"]


def test_purge_deletes_a_letter(cli, redis, launched):
    bury(redis, launched, 1)
    bury(redis, launched, 2)
    assert cli.ok("dead", "purge", launched, "p1:1") == f"1 dead letter of {launched} deleted.\n"
    assert cli.json("dead", "purge", launched, "--yes")["purged"] == ["p1:2"]
    assert redis.execute_command("XLEN", keys.dead(launched)) == 0


@pytest.mark.parametrize("command", ["list", "retry", "purge"])
def test_an_unknown_launch_is_named(cli, command):
    assert 'there is no launch "nobodys"' in cli.error("dead", command, "nobodys", code=1)

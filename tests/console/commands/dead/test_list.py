"""`dead list`: the latest first, and nothing that steers a terminal."""

from darklaunch_console.output.table import measure_width

from tests.support.cli import exchange
from tests.support.dead_letters import bury
from tests.support.pack_exchange import pack_exchange


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

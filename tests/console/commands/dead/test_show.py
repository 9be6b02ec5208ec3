"""`dead show`: one letter whole."""

from tests.support.dead_letters import bury


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


def test_an_unknown_letter_says_where_to_look(cli, launched):
    line = cli.error("dead", "show", launched, "p1:9", code=1)
    assert line == f'Error: {launched} has no dead letter "p1:9". See `darklaunch dead list {launched}`.'

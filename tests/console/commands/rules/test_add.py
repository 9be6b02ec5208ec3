"""`rules add` and `rules remove`: what they record, and what they refuse."""

from datetime import UTC, datetime, timedelta

import pytest
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import parse_state
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import Cli, redis_client
from tests.support.recorded import read_spec

ORDERS = "GET /orders/{id}"


def test_a_rule_is_added_shown_and_removed(cli: Cli, mismatched: str):
    assert cli.ok("rules", "show", mismatched).startswith(f"{mismatched} has no rules")
    said = cli.ok(
        "rules", "add", mismatched, "ignore", "$.total_cents", "--endpoint", ORDERS, "--reason", "gone, see #12"
    )
    assert said.startswith(f"{mismatched} has 1 rule now: 1 added.")
    shown = cli.ok("rules", "show", mismatched)
    assert shown.splitlines()[0] == f"{mismatched} has 1 rule."
    assert "ignore $.total_cents" in shown and "gone, see #12" in shown and f"at {ORDERS}" in shown
    (told,) = cli.json("rules", "show", mismatched)["rules"]
    assert (told["kind"], told["path"], told["holds"]) == ("ignore", "$.total_cents", True)
    assert "@" in told["author"]
    held, events = read_spec(cli, mismatched)
    assert compile_launch_rules(held).book.rules_for(ORDERS).ignore.covers(["total_cents"])
    assert events[0].act == "rules_changed" and events[0].reason == "gone, see #12"
    assert [rule["path"] for rule in events[0].data["rules"]["added"]] == ["$.total_cents"]
    assert cli.redis_url
    with redis_client(cli.redis_url) as redis:
        stored = pair_fields(redis.execute_command("HGETALL", keys.launch(mismatched)))
    assert parse_state(mismatched, stored).spec == held
    assert f"rules: 1, see darklaunch rules show {mismatched}" in cli.ok("show", mismatched)
    cli.ok("rules", "remove", mismatched, told["id"], "--reason", "back again")
    held, events = read_spec(cli, mismatched)
    assert held.rules == "" and [rule["path"] for rule in events[0].data["rules"]["removed"]] == ["$.total_cents"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ignore", "total"), '"total" is not a path: start with $'),
        (("ignore",), "path is missing"),
        (("ignore", "$", "--pattern", "(?=x)"), "no look-ahead"),
        (("ignore", "$", "--by", "id"), "--by is no option of a rule of kind ignore; it takes --pattern"),
        (("headers", "compare=x"), "a rule of kind headers is not about a path; it takes --compare, --never"),
        (("status_classes", "$"), "a rule of kind status_classes is not about a path: leave the path out"),
        (("tolerance", "$"), "say how far apart"),
        (("tolerance", "$", "--absolute", "nan"), "finite number"),
        (("headers",), "name headers"),
        (("ignore", "$", "--endpoint", "orders"), "write method and route"),
        (("ignore", "$", "--expires", "soon"), "is no time"),
        (("nonsense", "$"), "'nonsense' is not one of"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_in_a_line(
    cli: Cli, mismatched: str, arguments: tuple[str, ...], words: str
):
    assert words in cli.error("rules", "add", mismatched, *arguments, "--reason", "why", code=2)
    assert read_spec(cli, mismatched)[0].rules == ""


def test_a_rule_that_is_there_or_contradicts_is_refused(cli: Cli, mismatched: str):
    cli.ok("rules", "add", mismatched, "unordered", "$", "--by", "a", "--reason", "x")
    assert "it is there twice" in cli.error(
        "rules", "add", mismatched, "unordered", "$", "--by", "a", "--reason", "y", code=2
    )
    assert "it contradicts" in cli.error(
        "rules", "add", mismatched, "unordered", "$", "--by", "b", "--reason", "y", code=2
    )
    assert "has no rule 'zz'" in cli.error("rules", "remove", mismatched, "zz", code=1)


def test_what_is_odd_about_a_rule_is_said(cli: Cli, mismatched: str):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    cli.ok("rules", "add", mismatched, "ignore", "$.a", "--expires", yesterday, "--reason", "x")
    said = cli.ok("rules", "add", mismatched, "ignore", "$", "--endpoint", "GET /nowhere", "--reason", "x")
    assert "Note: no exchange of GET /nowhere has been recorded." in said
    shown = cli.ok("rules", "show", mismatched)
    assert shown.splitlines()[0] == f"{mismatched} has 2 rules; 1 has expired and excuses nothing."
    assert f"it has expired ({yesterday}) and excuses nothing" in shown
    assert "covers the whole body" in shown
    assert not compile_launch_rules(read_spec(cli, mismatched)[0]).book.elsewhere.ignore

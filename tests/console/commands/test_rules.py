"""`rules` and `rejudge`: what they say, what they record, and that comparators then compare so."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import get_launch, list_events
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import parse_state
from darklaunch_shared.wire.fields import pair_fields

from tests.support.cli import Cli, redis_client
from tests.support.exchanges import exchange, replayed

from .test_report import record

ORDERS = "GET /orders/{id}"


@pytest.fixture
def shop(postgres_dsn: str, launch_name: str) -> str:
    """Record 8 exchanges that lost a field, 2 whose total is a cent off, and 3 that match."""
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 4)]
    entries += [
        replayed(exchange(launch_name, seq, body={"id": seq, "total_cents": 950}), body={"id": seq})
        for seq in range(4, 12)
    ]
    entries += [
        replayed(exchange(launch_name, seq, endpoint="GET /cart", body={"sum": 1.5}), body={"sum": 1.51})
        for seq in (12, 13)
    ]
    record(postgres_dsn, launch_name, entries)
    return launch_name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(
        f'[[ignore]]\npath = "$.total_cents"\nreason = "gone"\nendpoints = ["{ORDERS}"]\n'
        '[[tolerance]]\npath = "$.sum"\nabsolute = 0.01\nreason = "rounded"\nauthor = "bo"\n'
    )
    return path


def spec(cli: Cli, name: str):
    assert cli.postgres_dsn
    with connect_store(cli.postgres_dsn, name="test") as connection:
        return get_launch(connection, name).state.spec, list_events(connection, name)


def test_a_rule_is_added_shown_and_removed(cli: Cli, shop: str):
    assert cli.ok("rules", "show", shop).startswith(f"{shop} has no rules")
    said = cli.ok("rules", "add", shop, "ignore", "$.total_cents", "--endpoint", ORDERS, "--reason", "gone, see #12")
    assert said.startswith(f"{shop} has 1 rule now: 1 added.")
    shown = cli.ok("rules", "show", shop)
    assert shown.splitlines()[0] == f"{shop} has 1 rule."
    assert "ignore $.total_cents" in shown and "gone, see #12" in shown and f"at {ORDERS}" in shown
    (told,) = cli.json("rules", "show", shop)["rules"]
    assert (told["kind"], told["path"], told["holds"]) == ("ignore", "$.total_cents", True)
    assert "@" in told["author"]
    held, events = spec(cli, shop)
    assert compile_launch_rules(held).book.rules_for(ORDERS).ignore.covers(["total_cents"])
    assert events[0].act == "rules_changed" and events[0].reason == "gone, see #12"
    assert [rule["path"] for rule in events[0].data["rules"]["added"]] == ["$.total_cents"]
    assert cli.redis_url
    with redis_client(cli.redis_url) as redis:
        stored = pair_fields(redis.execute_command("HGETALL", keys.launch(shop)))
    assert parse_state(shop, stored).spec == held
    assert f"rules: 1, see darklaunch rules show {shop}" in cli.ok("show", shop)
    cli.ok("rules", "remove", shop, told["id"], "--reason", "back again")
    held, events = spec(cli, shop)
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
def test_a_rule_that_cannot_be_meant_is_refused_in_a_line(cli: Cli, shop: str, arguments: tuple[str, ...], words: str):
    assert words in cli.error("rules", "add", shop, *arguments, "--reason", "why", code=2)
    assert spec(cli, shop)[0].rules == ""


def test_a_rule_that_is_there_or_contradicts_is_refused(cli: Cli, shop: str):
    cli.ok("rules", "add", shop, "unordered", "$", "--by", "a", "--reason", "x")
    assert "it is there twice" in cli.error(
        "rules", "add", shop, "unordered", "$", "--by", "a", "--reason", "y", code=2
    )
    assert "it contradicts" in cli.error("rules", "add", shop, "unordered", "$", "--by", "b", "--reason", "y", code=2)
    assert "has no rule 'zz'" in cli.error("rules", "remove", shop, "zz", code=1)


def test_what_is_odd_about_a_rule_is_said(cli: Cli, shop: str):
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    cli.ok("rules", "add", shop, "ignore", "$.a", "--expires", yesterday, "--reason", "x")
    said = cli.ok("rules", "add", shop, "ignore", "$", "--endpoint", "GET /nowhere", "--reason", "x")
    assert "Note: no exchange of GET /nowhere has been recorded." in said
    shown = cli.ok("rules", "show", shop)
    assert shown.splitlines()[0] == f"{shop} has 2 rules; 1 has expired and excuses nothing."
    assert f"it has expired ({yesterday}) and excuses nothing" in shown
    assert "covers the whole body" in shown
    assert not compile_launch_rules(spec(cli, shop)[0]).book.elsewhere.ignore


def test_a_file_is_applied_shown_and_applied_again(cli: Cli, shop: str, file: Path):
    assert cli.ok("rules", "apply", shop, "-f", str(file)).startswith(f"{shop} has 2 rules now: 2 added.")
    written = cli.ok("rules", "show", shop, "--toml")
    again = file.with_name("again.toml")
    again.write_text(written)
    assert cli.ok("rules", "apply", shop, "-f", str(again)) == f"{shop} has these rules already.\n"
    assert cli.ok("rules", "apply", shop, "-f", str(file)) == f"{shop} has these rules already.\n"
    again.write_text("{}")
    assert cli.json("rules", "apply", shop, "-f", str(again))["rules"] == 0
    file.write_text(file.read_text().replace("absolute", "absolut"))
    line = cli.error("rules", "apply", shop, "-f", str(file), code=2)
    assert f"{file}:7: tolerance 1, absolut" in line and 'did you mean "absolute"?' in line


def test_rules_are_tested_on_a_stored_exchange(cli: Cli, shop: str, file: Path):
    result = cli.run("rules", "test", shop, "--add", "ignore $.total_cents")
    assert result.exit_code == 0
    assert "mismatched without rules, ignored with them." in result.output
    assert "excused  $.total_cents (ignored)" in result.output
    result = cli.run("rules", "test", shop, "abcd1234:12", "--add", "tolerance $.sum absolute=0.001")
    assert result.exit_code == 1 and "differs  $.sum value: 1.5 → 1.51" in result.output
    told = cli.json("rules", "test", shop, "abcd1234:12", "-f", str(file))
    assert (told["without_rules"]["outcome"], told["with_rules"]["outcome"]) == ("mismatched", "matched")
    assert spec(cli, shop)[0].rules == ""


def test_rules_are_tested_on_two_files(cli: Cli, shop: str, tmp_path: Path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text('{"tags": ["a", "b"]}')
    new.write_text('{"tags": ["b", "a"]}')
    files = ("--primary", str(old), "--shadow", str(new))
    assert cli.run("rules", "test", shop, *files).exit_code == 1
    said = cli.ok("rules", "test", shop, *files, "--add", "unordered $.tags")
    assert said.startswith("old.json and new.json: mismatched without rules, matched with them.")
    assert "go together" in cli.error("rules", "test", shop, "--primary", str(old), code=2)
    assert "is not a rule" in cli.error("rules", "test", shop, "--add", "", code=2)
    assert "no kind of rule" in cli.error("rules", "test", shop, "--add", "nonsense $.a", code=2)


def test_rejudging_shows_what_would_change_and_changes_nothing(cli: Cli, shop: str, file: Path):
    said = cli.ok("rejudge", shop, "-f", str(file))
    assert said.splitlines()[:2] == [
        f"{shop}: about 0 of 10 mismatches would remain.",
        "  About 8 would be ignored, about 2 would be matched.",
    ]
    assert "An estimate from" in said and "in responses that matched is not counted here" in " ".join(said.split())
    assert "mismatched 8 → ignored 8" in said and "Nothing is applied yet." in said
    told = cli.json("rejudge", shop, "-f", str(file))
    assert told["would_be"] == {"ignored": 8, "matched": 2} and told["estimate"] and not told["applied"]
    assert spec(cli, shop)[0].rules == ""
    assert cli.ok("rejudge", shop).splitlines()[0] == f"{shop}: about 10 of 10 mismatches would remain."


def test_rejudging_applies_when_told_to_and_rewrites_nothing(cli: Cli, shop: str, file: Path):
    before = json.loads(cli.run("report", shop, "--json").output)
    assert "--reason" in cli.error("rejudge", shop, "-f", str(file), "--apply", code=2)
    assert "-f FILE" in cli.error("rejudge", shop, "--apply", "--reason", "x", code=2)
    said = cli.ok("rejudge", shop, "-f", str(file), "--apply", "--reason", "agreed with ann")
    assert "Applied: 2 added, 0 removed." in said
    held, events = spec(cli, shop)
    assert compile_launch_rules(held).book.rules_for(ORDERS).ignore.covers(["total_cents"])
    assert (events[0].act, events[0].reason) == ("rules_changed", "agreed with ann")
    assert events[0].data["rejudged"] == {"ignored": 8, "matched": 2}
    after = json.loads(cli.run("report", shop, "--json").output)
    assert after["ledger"] == before["ledger"]
    counts = [[(each["fingerprint"], each["count"]) for each in told["signatures"]] for told in (before, after)]
    assert counts[0] == counts[1]


def test_rejudging_nothing_says_so(cli: Cli, postgres_dsn: str, launch_name: str):
    record(postgres_dsn, launch_name, [replayed(exchange(launch_name, 1))])
    assert "nothing to judge again" in cli.ok("rejudge", launch_name)
    assert "no mismatch to test on yet" in cli.error("rules", "test", launch_name, code=1)


def test_a_rule_to_mask_that_cannot_be_read_is_loud_and_is_not_dropped_by_the_way(cli: Cli, shop: str, file: Path):
    cli.ok("rules", "add", shop, "ignore", "$.a", "--reason", "gone")
    stored = json.dumps({"ignore": [{"path": "$.a"}], "mask": [{"path": "$.email", "newer": 1}]})
    assert cli.postgres_dsn
    with connect_store(cli.postgres_dsn, name="test") as connection:
        changed = "UPDATE darklaunch.launch SET spec = spec || jsonb_build_object('rules', %s::text) WHERE name = %s"
        connection.execute(changed, [stored, shop])
        connection.commit()
    assert "what is stored of exchanges is masked as a whole" in cli.run("rules", "show", shop).stderr
    doctor = cli.run("doctor")
    assert f"{shop}: a mask rule cannot be read" in " ".join(doctor.stdout.split())
    refused = cli.error("rules", "add", shop, "ignore", "$.b", "--reason", "gone", code=1)
    assert f"darklaunch rules apply {shop} -f FILE" in refused
    cli.ok("rules", "apply", shop, "-f", str(file))
    assert cli.run("rules", "show", shop).stderr == ""

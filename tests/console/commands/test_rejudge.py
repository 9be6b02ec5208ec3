"""`rejudge`: what rules would change, and what they do when applied."""

import json
from pathlib import Path

from darklaunch_comparator.pipeline.assess import compile_launch_rules

from tests.support.cli import Cli
from tests.support.exchanges import exchange, replayed
from tests.support.recorded import read_spec, record

ORDERS = "GET /orders/{id}"


def test_rejudging_shows_what_would_change_and_changes_nothing(cli: Cli, mismatched: str, file: Path):
    said = cli.ok("rejudge", mismatched, "-f", str(file))
    assert said.splitlines()[:2] == [
        f"{mismatched}: about 0 of 10 mismatches would remain.",
        "  About 8 would be ignored, about 2 would be matched.",
    ]
    assert "An estimate from" in said and "in responses that matched is not counted here" in " ".join(said.split())
    assert "mismatched 8 → ignored 8" in said and "Nothing is applied yet." in said
    told = cli.json("rejudge", mismatched, "-f", str(file))
    assert told["would_be"] == {"ignored": 8, "matched": 2} and told["estimate"] and not told["applied"]
    assert read_spec(cli, mismatched)[0].rules == ""
    assert cli.ok("rejudge", mismatched).splitlines()[0] == f"{mismatched}: about 10 of 10 mismatches would remain."


def test_rejudging_applies_when_told_to_and_rewrites_nothing(cli: Cli, mismatched: str, file: Path):
    before = json.loads(cli.run("report", mismatched, "--json").output)
    assert "--reason" in cli.error("rejudge", mismatched, "-f", str(file), "--apply", code=2)
    assert "-f FILE" in cli.error("rejudge", mismatched, "--apply", "--reason", "x", code=2)
    said = cli.ok("rejudge", mismatched, "-f", str(file), "--apply", "--reason", "agreed with ann")
    assert "Applied: 2 added, 0 removed." in said
    held, events = read_spec(cli, mismatched)
    assert compile_launch_rules(held).book.rules_for(ORDERS).ignore.covers(["total_cents"])
    assert (events[0].act, events[0].reason) == ("rules_changed", "agreed with ann")
    assert events[0].data["rejudged"] == {"ignored": 8, "matched": 2}
    after = json.loads(cli.run("report", mismatched, "--json").output)
    assert after["ledger"] == before["ledger"]
    counts = [[(each["fingerprint"], each["count"]) for each in told["signatures"]] for told in (before, after)]
    assert counts[0] == counts[1]


def test_rejudging_nothing_says_so(cli: Cli, postgres_dsn: str, launch_name: str):
    record(postgres_dsn, launch_name, [replayed(exchange(launch_name, 1))])
    assert "nothing to judge again" in cli.ok("rejudge", launch_name)
    assert "no mismatch to test on yet" in cli.error("rules", "test", launch_name, code=1)

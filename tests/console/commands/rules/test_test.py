"""`rules test` tries rules and changes nothing."""

from pathlib import Path

from tests.support.cli import Cli
from tests.support.recorded import read_spec


def test_rules_are_tested_on_a_stored_exchange(cli: Cli, mismatched: str, file: Path):
    result = cli.run("rules", "test", mismatched, "--add", "ignore $.total_cents")
    assert result.exit_code == 0
    assert "mismatched without rules, ignored with them." in result.output
    assert "excused  $.total_cents (ignored)" in result.output
    result = cli.run("rules", "test", mismatched, "abcd1234:12", "--add", "tolerance $.sum absolute=0.001")
    assert result.exit_code == 1 and "differs  $.sum value: 1.5 → 1.51" in result.output
    told = cli.json("rules", "test", mismatched, "abcd1234:12", "-f", str(file))
    assert (told["without_rules"]["outcome"], told["with_rules"]["outcome"]) == ("mismatched", "matched")
    assert read_spec(cli, mismatched)[0].rules == ""


def test_rules_are_tested_on_two_files(cli: Cli, mismatched: str, tmp_path: Path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text('{"tags": ["a", "b"]}')
    new.write_text('{"tags": ["b", "a"]}')
    files = ("--primary", str(old), "--shadow", str(new))
    assert cli.run("rules", "test", mismatched, *files).exit_code == 1
    said = cli.ok("rules", "test", mismatched, *files, "--add", "unordered $.tags")
    assert said.startswith("old.json and new.json: mismatched without rules, matched with them.")
    assert "go together" in cli.error("rules", "test", mismatched, "--primary", str(old), code=2)
    assert "is not a rule" in cli.error("rules", "test", mismatched, "--add", "", code=2)
    assert "no kind of rule" in cli.error("rules", "test", mismatched, "--add", "nonsense $.a", code=2)

"""`rules apply`: a file becomes the rules of a launch."""

from pathlib import Path

from tests.support.cli import Cli


def test_a_file_is_applied_shown_and_applied_again(cli: Cli, mismatched: str, file: Path):
    assert cli.ok("rules", "apply", mismatched, "-f", str(file)).startswith(f"{mismatched} has 2 rules now: 2 added.")
    written = cli.ok("rules", "show", mismatched, "--toml")
    again = file.with_name("again.toml")
    again.write_text(written)
    assert cli.ok("rules", "apply", mismatched, "-f", str(again)) == f"{mismatched} has these rules already.\n"
    assert cli.ok("rules", "apply", mismatched, "-f", str(file)) == f"{mismatched} has these rules already.\n"
    again.write_text("{}")
    assert cli.json("rules", "apply", mismatched, "-f", str(again))["rules"] == 0
    file.write_text(file.read_text().replace("absolute", "absolut"))
    line = cli.error("rules", "apply", mismatched, "-f", str(file), code=2)
    assert f"{file}:7: tolerance 1, absolut" in line and 'did you mean "absolute"?' in line

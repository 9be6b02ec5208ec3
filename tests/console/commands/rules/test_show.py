"""`rules show` warns of rules that cannot be read."""

import json
from pathlib import Path

from darklaunch_comparator.store.connect import connect_store

from tests.support.cli import Cli


def test_a_rule_to_mask_that_cannot_be_read_is_loud_and_is_not_dropped_by_the_way(
    cli: Cli, mismatched: str, file: Path
):
    cli.ok("rules", "add", mismatched, "ignore", "$.a", "--reason", "gone")
    stored = json.dumps({"ignore": [{"path": "$.a"}], "mask": [{"path": "$.email", "newer": 1}]})
    assert cli.postgres_dsn
    with connect_store(cli.postgres_dsn, name="test") as connection:
        changed = "UPDATE darklaunch.launch SET spec = spec || jsonb_build_object('rules', %s::text) WHERE name = %s"
        connection.execute(changed, [stored, mismatched])
        connection.commit()
    assert "what is stored of exchanges is masked as a whole" in cli.run("rules", "show", mismatched).stderr
    doctor = cli.run("doctor")
    assert f"{mismatched}: a mask rule cannot be read" in " ".join(doctor.stdout.split())
    refused = cli.error("rules", "add", mismatched, "ignore", "$.b", "--reason", "gone", code=1)
    assert f"darklaunch rules apply {mismatched} -f FILE" in refused
    cli.ok("rules", "apply", mismatched, "-f", str(file))
    assert cli.run("rules", "show", mismatched).stderr == ""

"""Accepting, resolving and reopening what differs, and what is listed and counted afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.fields import Fields

from tests.support.cli import Cli
from tests.support.exchanges import NOW_MS, RULES, exchange, replayed

Record = Callable[..., None]


@pytest.fixture
def cli(postgres_dsn: str, tmp_path: Any) -> Cli:
    return Cli(None, postgres_dsn, str(tmp_path))


@pytest.fixture
def record(postgres_dsn: str, launch_name: str) -> Record:
    """Record entries of the launch."""
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        create_launch(
            connection, launch_name, LaunchSpec("http://shadow:8000"), LaunchAct("ann@desk", "started"), percent=10
        )

    def record(*entries: Fields) -> None:
        recorder = ResultWriter(postgres_dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
        try:
            assert recorder.record(launch_name, [assess_entry(launch_name, entry, RULES) for entry in entries]) == []
        finally:
            recorder.close()

    return record


def renamed(launch: str, seq: int, *, build: str = "", at_ms: int = NOW_MS) -> Fields:
    return replayed(exchange(launch, seq, at_ms=at_ms, body={"total": 1}), body={"sum": 1}, build=build)


def failed(launch: str, seq: int) -> Fields:
    return replayed(exchange(launch, seq, endpoint="GET /quote"), body={"error": "x"}, status=500)


def fingerprints(cli: Cli, launch: str, *options: str, code: int = 1) -> dict[str, str]:
    """Return the listed fingerprints by endpoint."""
    return {one["endpoint"]: one["fingerprint"] for one in cli.json("mismatches", launch, *options, code=code)}


def test_an_accepted_kind_is_no_problem_and_is_still_listed(cli: Cli, record: Record, launch_name: str) -> None:
    record(renamed(launch_name, 1), renamed(launch_name, 2), failed(launch_name, 3))
    named = fingerprints(cli, launch_name)
    orders, quote = named["GET /orders/{id}"], named["GET /quote"]
    said = cli.ok("accept", launch_name, orders[:6], "--reason", "the new name")
    assert said.splitlines()[0] == "1 signature is accepted."
    assert f"{orders}  GET /orders/{{id}} $.total missing, $.sum extra" in said
    listed = cli.run("mismatches", launch_name)
    assert listed.exit_code == 1
    assert listed.stdout.splitlines()[0] == "1 kind of mismatch in 3 compared exchanges; 1 accepted."
    assert orders not in listed.stdout and quote in listed.stdout
    assert fingerprints(cli, launch_name, "--state", "accepted", code=0) == {"GET /orders/{id}": orders}
    assert set(fingerprints(cli, launch_name, "--all").values()) == {orders, quote}
    report = cli.ok("report", launch_name)
    assert report.startswith(f"{launch_name}: 1 problem in 3 compared exchanges: GET /quote")
    assert "Accepted\n  GET /orders/{id} $.total missing, $.sum extra, 2 times" in report
    assert ": the new name" in " ".join(report.split())
    told = cli.json("report", launch_name)
    assert [one["fingerprint"] for one in told["accepted"]] == [orders]
    assert f"{orders} accepted by " in cli.ok("show", launch_name)


def test_with_everything_accepted_nothing_is_wrong(cli: Cli, record: Record, launch_name: str) -> None:
    record(renamed(launch_name, 1))
    (fingerprint,) = fingerprints(cli, launch_name).values()
    cli.ok("accept", launch_name, fingerprint, "--reason", "meant")
    assert cli.ok("mismatches", launch_name) == "No mismatches in 1 compared exchange; 1 accepted.\n"
    again = cli.ok("accept", launch_name, fingerprint, "--reason", "meant")
    assert again.startswith("Nothing to do: it is accepted already.")
    cli.ok("reopen", launch_name, fingerprint)
    assert cli.run("mismatches", launch_name).exit_code == 1


def test_an_accepted_kind_is_open_again_under_another_build_and_says_so(
    cli: Cli, record: Record, launch_name: str
) -> None:
    record(renamed(launch_name, 1, build="v2.0"))
    (fingerprint,) = fingerprints(cli, launch_name).values()
    cli.ok("accept", launch_name, fingerprint, "--reason", "meant")
    record(renamed(launch_name, 2, build="v2.0"), renamed(launch_name, 3))
    assert cli.run("mismatches", launch_name).exit_code == 0, "the build is the same, or not known"
    record(renamed(launch_name, 4, build="v2.1"))
    listed = cli.run("mismatches", launch_name)
    assert listed.exit_code == 1
    said = " ".join(listed.stdout.split())
    assert "reopened by the comparator at" in said
    assert "it appears under another build of the shadow: v2.1." in said


def test_a_resolved_kind_is_open_again_at_its_next_appearance(cli: Cli, record: Record, launch_name: str) -> None:
    record(renamed(launch_name, 1, build="v2.0"))
    (fingerprint,) = fingerprints(cli, launch_name).values()
    cli.ok("resolve", launch_name, fingerprint, "--reason", "repaired in v2.0.1")
    record(renamed(launch_name, 2, build="v2.0", at_ms=NOW_MS - 60_000))
    assert cli.run("mismatches", launch_name).exit_code == 0, "it was captured before it was resolved"
    record(renamed(launch_name, 3, build="v2.0", at_ms=NOW_MS + 3_600_000))
    assert "it appears again under the same build." in " ".join(cli.run("mismatches", launch_name).stdout.split())
    (one,) = cli.json("mismatches", launch_name, code=1)
    assert (one["state"], one["count"], one["decided"], one["decided_by"]) == ("open", 3, "reopened", "the comparator")


def test_a_fingerprint_that_is_not_there_suggests_the_one_that_is(cli: Cli, record: Record, launch_name: str) -> None:
    record(renamed(launch_name, 1))
    (fingerprint,) = fingerprints(cli, launch_name).values()
    wrong = fingerprint[:-2] + ("00" if not fingerprint.endswith("00") else "11")
    said = cli.error("accept", launch_name, wrong, "--reason", "x", code=1)
    assert f'Did you mean "{fingerprint}" (GET /orders/{{id}} $.total missing, $.sum extra)?' in said
    assert "at least 4 digits" in cli.error("accept", launch_name, fingerprint[:3], "--reason", "x", code=2)
    assert "--reason" in cli.error("accept", launch_name, fingerprint, code=2)
    assert "--reason is empty" in cli.error("accept", launch_name, fingerprint, "--reason", " ", code=2)
    assert "there is no launch" in cli.error("resolve", "no-such", fingerprint, code=1)
    assert "contradict" in cli.error("mismatches", launch_name, "--all", "--state", "open", code=2)


def test_one_wrong_fingerprint_decides_nothing(cli: Cli, record: Record, launch_name: str) -> None:
    record(renamed(launch_name, 1))
    (fingerprint,) = fingerprints(cli, launch_name).values()
    cli.error("accept", launch_name, fingerprint, "abcdef", "--reason", "x", code=1)
    assert fingerprints(cli, launch_name) == {"GET /orders/{id}": fingerprint}


def test_the_list_is_bounded_filtered_and_fits_80_columns(cli: Cli, record: Record, launch_name: str) -> None:
    long = "k" * 60
    many = [
        replayed(exchange(launch_name, seq, endpoint=f"GET /e{seq}", body={f"{long}{seq}": "v" * 200}), body={})
        for seq in range(1, 24)
    ]
    record(*many)
    result = cli.run("mismatches", launch_name, COLUMNS="80")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert result.stdout.count("darklaunch inspect") == 20
    assert "3 more kinds: --limit 23" in result.stdout
    assert len(cli.json("mismatches", launch_name, code=1)) == 23
    assert len(cli.json("mismatches", launch_name, "--limit", "2", code=1)) == 2
    assert set(fingerprints(cli, launch_name, "--endpoint", "/E2")) == {f"GET /e{n}" for n in (2, 20, 21, 22, 23)}
    assert "No mismatches of endpoints with '/nope'" in cli.ok("mismatches", launch_name, "--endpoint", "/nope")

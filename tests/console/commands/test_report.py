"""What the reading commands say of evidence that was really recorded."""

import threading
from dataclasses import replace
from typing import Any

import orjson
import pytest
from darklaunch_comparator.leader.noise_learner import NoiseLearner
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.store.connect import connect_store
from darklaunch_console.errors import BadUsage

from tests.support.exchanges import RULES, asked_twice, exchange, replayed, unanswered
from tests.support.recorded import record


def test_a_report_names_the_problems_in_its_first_line(run: Any, shop: str) -> None:
    result = run("report", shop)
    assert result.exit_code == 0
    first = " ".join(result.output.split("\n\n")[0].split())
    assert first.startswith(f"{shop}: 3 problems in 39 compared exchanges: ")
    assert "GET /orders/{id} $.total_cents missing, $.total extra" in first
    assert "GET /quote status 200 → 500" in first
    assert "GET /search slower by more than 2,000 ms" in first


def test_a_report_adds_up(run: Any, shop: str) -> None:
    told = orjson.loads(run("report", shop, "--json").output)
    ledger = told["ledger"]
    assert (ledger["sampled"], ledger["matched"], ledger["mismatched"], ledger["dropped"]) == (40, 32, 7, 1)
    assert ledger["dropped_by_reason"] == {"stale": 1}
    assert ledger["balanced"] and ledger["on_its_way"] == 0
    assert [(one["endpoint"], one["outcome"], one["count"]) for one in told["signatures"]] == [
        ("GET /quote", "mismatched", 3),
        ("GET /search", "slow", 2),
        ("GET /orders/{id}", "mismatched", 4),
    ]
    (search,) = [row for row in told["latency"] if row["endpoint"] == "GET /search"]
    assert search["difference"]["p50"] == pytest.approx(2995, rel=0.011)
    assert search["slow_share"] == 1


def test_a_report_fits_on_two_screens_unless_all_of_it_is_asked_for(
    run: Any, postgres_dsn: str, launch_name: str
) -> None:
    pages = [exchange(launch_name, seq, endpoint=f"GET /pages/{seq % 120}") for seq in range(1, 241)]
    record(postgres_dsn, launch_name, [replayed(page, body={"error": "x"}, status=500) for page in pages])
    short = run("report", launch_name).stdout.splitlines()
    assert len(short) <= 50
    assert short[-1] == f"All of it: darklaunch report {launch_name} --all"
    assert any(line.endswith(f" more: darklaunch mismatches {launch_name}") for line in short)
    complete = run("report", launch_name, "--all").stdout.splitlines()
    assert sum("GET /pages/" in line for line in complete) >= 120
    assert not any("All of it" in line for line in complete)


def test_a_report_in_markdown_has_one_row_a_problem(run: Any, shop: str) -> None:
    lines = run("report", shop, "--markdown").output.splitlines()
    assert lines[0].startswith("## ")
    assert sum(line.startswith(("| 1 |", "| 2 |", "| 3 |")) for line in lines) == 3
    columns = {line.count("|") for line in lines if line.startswith(("| latency", "| `GET", "| `all"))}
    assert columns == {11}


def test_a_report_without_problems_says_so(run: Any, postgres_dsn: str, launch_name: str) -> None:
    record(postgres_dsn, launch_name, [replayed(exchange(launch_name, seq)) for seq in range(1, 4)])
    assert run("report", launch_name).output.splitlines()[0] == f"{launch_name}: no problem in 3 compared exchanges."
    quiet = run("mismatches", launch_name)
    assert (quiet.exit_code, quiet.output) == (0, "No mismatches in 3 compared exchanges.\n")


def test_a_report_of_nothing_says_so(run: Any, postgres_dsn: str, launch_name: str) -> None:
    record(postgres_dsn, launch_name, [])
    assert run("report", launch_name).output.splitlines()[0] == f"{launch_name}: nothing has been compared yet."


def test_a_shadow_that_never_answers_is_the_problem(run: Any, postgres_dsn: str, launch_name: str) -> None:
    record(postgres_dsn, launch_name, [unanswered(exchange(launch_name, seq)) for seq in range(1, 4)])
    text = " ".join(run("report", launch_name).output.split())
    assert "no response: timeout" in text
    assert "no outcome within 7 s" in text
    assert "nothing →" not in text


def test_slow_answers_and_those_that_never_came_are_one_problem(run: Any, postgres_dsn: str, launch_name: str) -> None:
    entries = [replayed(exchange(launch_name, seq), latency_ms=3000.0) for seq in (1, 2)]
    entries += [unanswered(exchange(launch_name, seq)) for seq in (3, 4, 5)]
    record(postgres_dsn, launch_name, entries)
    (problem,) = orjson.loads(run("report", launch_name, "--json").output)["signatures"]
    assert (problem["count"], problem["share"]) == (5, 1)
    assert problem["title"] == "slower by more than 2,000 ms, or no response in time (3)"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inspect", "abcd1234:999999"), "there is no exchange abcd1234:999999"),
        (("inspect", "nonsense"), "is not the id of an exchange"),
        (("curl", "abcd1234:999999"), "there is no exchange"),
        (("report", "no-such-launch"), 'there is no launch "no-such-launch"'),
        (("mismatches", "no-such-launch"), "there is no launch"),
        (("show", "no-such-launch"), "there is no launch"),
        (("report", "Bad Name"), "cannot name a launch"),
    ],
)
def test_a_mistake_is_one_line(run: Any, arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert words in result.stderr
    assert result.stdout == ""


def test_a_near_miss_is_named(run: Any, shop: str) -> None:
    assert f'Did you mean "{shop}"?' in run("report", f"{shop[:-1]}").stderr


def test_two_forms_at_once_are_refused(run: Any, shop: str) -> None:
    assert run("report", shop, "--json", "--markdown").exit_code == BadUsage.exit_code


def test_replays_without_the_users_credentials_are_told_first_with_the_command_that_mirrors_them(
    run: Any, postgres_dsn: str, launch_name: str
) -> None:
    anonymous = [replayed(exchange(launch_name, seq)) for seq in range(1, 7)]
    captured = [replace(exchange(launch_name, seq), redacted=("authorization",)) for seq in (7, 8)]
    record(
        postgres_dsn, launch_name, anonymous + [replayed(one, body={"error": "who?"}, status=401) for one in captured]
    )

    first = " ".join(run("report", launch_name).output.split("\n\n")[0].split())

    assert first.startswith(f"{launch_name}: no problem in 6 compared exchanges.")
    assert "25 % of the replays show nothing: the shadow asks who is there" in first
    assert "darklaunch start NAME --shadow http://shadow:8000 --seal" in first
    assert orjson.loads(run("report", launch_name, "--json").output)["without_credentials"] == 2
    assert "25 % of the replays show nothing" in run("report", launch_name, "--markdown").output


def test_what_was_excused_without_a_witness_is_told_until_a_baseline_has_seen_it(
    run: Any, postgres_dsn: str, launch_name: str
) -> None:
    drawn = iter([hex(0x9B2F9E0A9B8D4B1E9D700A3BB1F9A8F1 * (seq + 1))[-32:] for seq in range(1, 200)])
    orders = [exchange(launch_name, seq, body={"request_id": next(drawn)}) for seq in range(1, 41)]
    record(postgres_dsn, launch_name, [replayed(order, body={"request_id": next(drawn)}) for order in orders])

    told = " ".join(run("report", launch_name).output.split())

    assert "has shown that it ought to differ: $.request_id (generated id) 40 times" in told
    assert "; a baseline would: --control URL." in told
    results = [
        assess_entry(
            launch_name,
            asked_twice(
                exchange(launch_name, seq, body={"request_id": next(drawn)}),
                body={"request_id": next(drawn)},
                again={"request_id": next(drawn)},
            ),
            RULES,
        )
        for seq in range(41, 71)
    ]
    recorder = ResultWriter(postgres_dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
    assert recorder.record(launch_name, results) == []
    recorder.close()
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        NoiseLearner().learn_places(connection)

    told = " ".join(run("report", launch_name).output.split())

    assert "has shown that it ought to differ" not in told
    assert "Differed and was excused: $.request_id (generated id) 70." in told

"""`noise`, and what `report` and `mismatches` say of what is known to be noise."""

import threading
import time
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from darklaunch_comparator.leader.noise_learner import NoiseLearner
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch
from darklaunch_comparator.store.noise import read_doubtful_signatures, read_known_noise
from darklaunch_console.cli.program import program
from darklaunch_console.output.table import measure_width
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import ReplayedVersion

from tests.support.exchanges import asked_twice, exchange, not_answered_again

OWNER = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
def run(postgres_dsn: str) -> Any:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(program, ["--database", postgres_dsn, *arguments])

    return run


def begin(dsn: str, launch: str, **spec: Any) -> LaunchSpec:
    given = LaunchSpec("http://shadow:8000", **spec)
    with connect_store(dsn, name="darklaunch-test") as connection:
        create_launch(connection, launch, given, LaunchAct("ann@desk", "started"), percent=10)
    return given


def record(dsn: str, launch: str, spec: LaunchSpec, entries: list[Fields]) -> None:
    """Compare by what is known by now, record, and learn from it."""
    with connect_store(dsn, name="darklaunch-test") as connection:
        noise = read_known_noise(connection, launch).get(launch, {})
        recorder = ResultWriter(dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
        try:
            rules = compile_launch_rules(spec)
            assert recorder.record(launch, [assess_entry(launch, entry, rules, noise) for entry in entries]) == []
        finally:
            recorder.close()
        NoiseLearner().learn_places(connection)


def feed(launch: str, seq: int, *, total: int = 1) -> Fields:
    """Return an exchange whose `n` and `id` are new in every answer; `owner` stays, `total` is the shadow's."""
    made = [
        {"n": 3 * seq + nth, "id": f"{seq:08x}-{nth:04x}-4d4d-8f8f-1234567890ab", "owner": OWNER, "total": 1}
        for nth in range(3)
    ]
    return asked_twice(exchange(launch, seq, body=made[0]), body=made[1] | {"total": total}, again=made[2])


@pytest.fixture
def noisy(postgres_dsn: str, launch_name: str) -> str:
    """Record 30 exchanges before anything is known, 10 more after, 3 of which have another total."""
    spec = begin(postgres_dsn, launch_name, control="http://control:1")
    first = [feed(launch_name, seq, total=2 if seq == 5 else 1) for seq in range(1, 31)]
    record(postgres_dsn, launch_name, spec, [*first, not_answered_again(exchange(launch_name, 99))])
    record(postgres_dsn, launch_name, spec, [feed(launch_name, seq, total=2 - (seq > 33)) for seq in range(31, 41)])
    return launch_name


def test_noise_answers_first_and_lists_each_place(run: Any, noisy: str) -> None:
    lines = run("noise", noisy).output.splitlines()
    assert " ".join(lines).startswith(
        f"{noisy}: 2 places differ by noise; learned from 40 control replays. "
        "  10 % of the reads go to the control http://control:1; 1 got no response. "
    )
    listed = {line.split()[0]: line for line in lines if line.startswith("  $.")}
    assert listed["$.n"].split()[1:7] == ["100", "%", "100", "%", "by", "type"]
    assert "by shape *" in listed["$.id"]
    assert "learning" in listed["$.total"]
    assert "$.owner" not in listed
    assert "1 identifier that one version repeats: compared by value. --all lists them." in lines
    told = " ".join(" ".join(lines).split())
    assert "GET /orders/{id} $.n: by type, differed in 30 of 30 pairs" in told
    assert "GET /orders/{id} $.owner: by value, the same in 30 of 30 pairs" in told
    assert max(map(measure_width, lines)) <= 80
    assert "by value" in run("noise", noisy, "--all").output.split("Learned")[0].split("$.owner")[1].splitlines()[0]


def test_noise_for_programs(run: Any, noisy: str) -> None:
    told = orjson.loads(run("noise", noisy, "--json").output)
    assert (told["asked_twice"], told["pairs"], told["unanswered"]) == ("primary", 40, 1)
    assert (told["volatile"], told["generated"], told["blind"]) == (1, 1, 2)
    places = {place["path"]: place for place in told["places"]}
    assert {path: place["state"] for path, place in places.items()} == {
        "$.n": "volatile",
        "$.id": "generated",
        "$.owner": "stable",
        "$.total": "learning",
    }
    assert (places["$.total"]["own_rate"], places["$.total"]["candidate_rate"]) == (0, 1)
    assert {change["became"] for change in told["changes"]} == {"volatile", "generated", "stable"}


def test_noise_says_why_it_knows_nothing(run: Any, postgres_dsn: str, launch_name: str) -> None:
    begin(postgres_dsn, launch_name, noise_percent=0.0)
    said = " ".join(run("noise", launch_name).output.split())
    assert f"{launch_name}: nothing is known of noise: no second replay has been compared yet." in said
    assert said.endswith("It is turned off (--noise 0 or --no-compare).")
    begin(postgres_dsn, f"{launch_name}-2")
    said = run("noise", f"{launch_name}-2").output
    assert "turned off" not in said
    assert "10 % of the reads go to the shadow a second time." in said


def test_a_duration_that_is_far_longer_is_said_and_is_no_problem(run: Any, postgres_dsn: str, launch_name: str) -> None:
    spec = begin(postgres_dsn, launch_name)
    entries = [
        asked_twice(
            exchange(launch_name, seq, body={"query_ms": 1 + seq / 64}),
            body={"query_ms": 30 + seq / 32},
            again={"query_ms": 25 + seq / 16},
            version=ReplayedVersion.SHADOW,
        )
        for seq in range(1, 61)
    ]
    record(postgres_dsn, launch_name, spec, entries[:40])
    record(postgres_dsn, launch_name, spec, entries[40:])
    told = orjson.loads(run("report", launch_name, "--json").output)
    assert told["headline"] == f"{launch_name}: no problem in 60 compared exchanges."
    (before,) = told["before_noise"]
    assert (before["title"], before["count"], before["only_noise"]) == ("$.query_ms value", 40, True)
    (excuse,) = told["excuses"]
    assert (excuse["path"], excuse["reason"], excuse["count"]) == ("$.query_ms", "magnitude", 20)
    worth = "Worth a look: GET /orders/{id} $.query_ms is over ten times the primary's in 60 of 60 responses"
    assert worth in " ".join(run("report", launch_name).output.split())
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        assert read_doubtful_signatures(connection, launch_name, time.time_ns() // 1_000_000).fingerprints == set()


def test_a_report_tells_noise_from_problems_and_what_came_before(run: Any, noisy: str) -> None:
    output = run("report", noisy).output
    lines, text = output.splitlines(), " ".join(output.split())
    first = " ".join(output.partition("\n\n")[0].split())
    assert first.startswith(f"{noisy}: 2 problems in 41 compared exchanges: ")
    assert "$.total value" in first
    told = orjson.loads(run("report", noisy, "--json").output)
    (before,) = told["before_noise"]
    assert (before["title"], before["count"], before["only_noise"]) == ("$.n value", 29, True)
    assert sorted(problem["title"] for problem in told["signatures"]) == ["$.n value, $.total value", "$.total value"]
    assert any(line.strip().startswith("partly from before $.n was known to be noise, at ") for line in lines)
    assert f"Noise, learned from 40 control replays (darklaunch noise {noisy})" in lines
    assert "  compared by type only: $.n (100 %)" in lines
    assert "  compared by shape only: $.id (100 %)" in lines
    assert "so that a wrong value would not show: $.id (GET /orders/{id}), $.n (GET /orders/{id})" in text
    assert "$.n value, 29 times" in text
    assert "before it was known to be noise, at " in text
    assert "- compared by type only: $.n (100 %)" in run("report", noisy, "--markdown").output.replace("\\", "")


def test_mismatches_mark_what_came_before_it_was_known(run: Any, noisy: str) -> None:
    result = run("mismatches", noisy)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    headline = " ".join(result.output.partition("\n\n")[0].split())
    assert headline == "3 kinds of mismatch in 41 compared exchanges, 1 of them before it was known to be noise."
    assert sum("before it was known to be noise, at " in line for line in lines) == 1
    assert lines.index("GET /orders/{id} $.n value") > lines.index("GET /orders/{id} $.total value")


def test_only_noise_is_no_open_mismatch(run: Any, postgres_dsn: str, launch_name: str) -> None:
    spec = begin(postgres_dsn, launch_name, control="http://control:1")
    record(postgres_dsn, launch_name, spec, [feed(launch_name, seq) for seq in range(1, 6)])
    assert run("report", launch_name).output.splitlines()[0] == f"{launch_name}: no problem in 5 compared exchanges."
    result = run("mismatches", launch_name)
    assert result.exit_code == 0
    assert result.output.startswith("1 kind of mismatch in 5 compared exchanges, 1 of them before it was known to be")

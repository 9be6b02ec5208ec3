"""What the reading commands say of evidence that was really recorded."""

import shlex
import threading
from dataclasses import replace
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from darklaunch_comparator.leader.noise_learner import NoiseLearner
from darklaunch_comparator.pipeline.assess import assess_entry
from darklaunch_comparator.pipeline.result_writer import ResultWriter
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, create_launch, update_launch
from darklaunch_console.cli.program import program
from darklaunch_console.errors import BadUsage
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Exchange, Request
from darklaunch_shared.wire.fields import Fields

from tests.support.exchanges import JSON, RULES, asked_twice, exchange, lost, replayed, unanswered


@pytest.fixture
def run(postgres_dsn: str) -> Any:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(program, ["--database", postgres_dsn, *arguments])

    return run


def record(dsn: str, launch: str, entries: list[Fields]) -> None:
    with connect_store(dsn, name="darklaunch-test") as connection:
        create_launch(
            connection, launch, LaunchSpec("http://shadow:8000"), LaunchAct("ann@desk", "started"), percent=10
        )
    recorder = ResultWriter(dsn, name="darklaunch-test", retention_days=14, stop=threading.Event())
    try:
        assert recorder.record(launch, [assess_entry(launch, entry, RULES) for entry in entries]) == []
    finally:
        recorder.close()


@pytest.fixture
def shop(postgres_dsn: str, launch_name: str) -> str:
    """Record 40 exchanges: 30 alike, 4 that lost a field, 3 failures, 2 slow answers and one that was too old."""
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 31)]
    orders = [exchange(launch_name, seq, body={"id": seq, "total_cents": 950}) for seq in range(31, 35)]
    entries += [replayed(order, body={"id": 31 + nth, "total": 950}) for nth, order in enumerate(orders)]
    quotes = [exchange(launch_name, seq, endpoint="GET /quote") for seq in range(35, 38)]
    entries += [replayed(quote, body={"error": "x"}, status=500) for quote in quotes]
    searches = [exchange(launch_name, seq, endpoint="GET /search") for seq in (38, 39)]
    entries += [replayed(search, latency_ms=3000.0) for search in searches]
    entries.append(lost(exchange(launch_name, 40)))
    record(postgres_dsn, launch_name, entries)
    return launch_name


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


def test_slow_answers_within_the_launchs_budget_are_no_problem(run: Any, postgres_dsn: str, launch_name: str) -> None:
    searches = [exchange(launch_name, seq, endpoint="GET /search") for seq in (1, 2)]
    record(postgres_dsn, launch_name, [replayed(searches[0], latency_ms=3000.0), replayed(searches[1])])
    assert run("mismatches", launch_name).exit_code == 1
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        spec = LaunchSpec("http://shadow:8000", policy='{"budgets": {"slow": 0.5}}')
        update_launch(connection, launch_name, LaunchAct("ann@desk", "policy_set"), spec=spec)
    assert run("mismatches", launch_name).exit_code == 0


def test_slow_answers_and_those_that_never_came_are_one_problem(run: Any, postgres_dsn: str, launch_name: str) -> None:
    entries = [replayed(exchange(launch_name, seq), latency_ms=3000.0) for seq in (1, 2)]
    entries += [unanswered(exchange(launch_name, seq)) for seq in (3, 4, 5)]
    record(postgres_dsn, launch_name, entries)
    (problem,) = orjson.loads(run("report", launch_name, "--json").output)["signatures"]
    assert (problem["count"], problem["share"]) == (5, 1)
    assert problem["title"] == "slower by more than 2,000 ms, or no response in time (3)"


def test_mismatches_are_listed_most_important_first(run: Any, shop: str) -> None:
    result = run("mismatches", shop)
    assert result.exit_code == 1
    assert result.output.startswith("3 kinds of mismatch in 39 compared exchanges.\n")
    places = [result.output.index(endpoint) for endpoint in ("GET /quote", "GET /search", "GET /orders/{id}")]
    assert places == sorted(places)


def test_one_exchange_is_shown_with_what_differs(run: Any, shop: str) -> None:
    result = run("inspect", "abcd1234:31", "--launch", shop)
    assert result.exit_code == 0
    assert result.output.splitlines()[0] == "GET /orders/31: $.total_cents: 950 → nothing; $.total: nothing → 950"
    lines = [line.split() for line in result.output.splitlines()]
    assert ['"total_cents":', "950", "<"] in lines
    assert [">", '"total":', "950"] in lines


def test_an_exchange_whose_bodies_were_not_kept_is_still_accounted_for(run: Any, shop: str) -> None:
    result = run("inspect", "abcd1234:32", "--launch", shop)
    assert result.exit_code == 1
    assert "was mismatched" in result.stderr and "were not kept" in result.stderr


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


def test_show_tells_what_was_decided_and_by_whom(run: Any, shop: str) -> None:
    output = " ".join(run("show", shop).output.split())
    assert output.startswith(
        f"{shop} is active: 10 % of GET, HEAD and OPTIONS requests are mirrored to http://shadow:8000."
    )
    assert "started by ann@desk" in output


def test_launches_are_listed_with_their_figures(run: Any, shop: str) -> None:
    lines = run("list").output.splitlines()
    assert all(len(line) <= 80 for line in lines)
    listed = " ".join(lines).split(shop)[1].split()
    assert listed[:10] == ["http://shadow:8000", "active", "–", "10", "%", "40", "39", "17.95", "%", "0"]
    (told,) = [one for one in orjson.loads(run("list", "--json").output) if one["launch"] == shop]
    assert told["ledger"]["sampled"] == 40


def test_two_forms_at_once_are_refused(run: Any, shop: str) -> None:
    assert run("report", shop, "--json", "--markdown").exit_code == BadUsage.exit_code


def test_curl_says_what_was_masked(run: Any, postgres_dsn: str, launch_name: str) -> None:
    plain = exchange(launch_name, 1)
    asked = Request("POST", "/login?token=hunter2&a=1", "http://shop", JSON, b'{"user": {"password": "hunter2"}}')
    captured = Exchange(plain.id, launch_name, plain.captured_at_ms, plain.endpoint, asked, plain.primary)
    record(postgres_dsn, launch_name, [replayed(captured, body={"total": 2})])
    result = run("curl", plain.id, "--launch", launch_name)
    assert "hunter2" not in result.output
    assert result.stderr == (
        "Warning: masked when it was stored, put real values there: query token, $.user.password.\n"
    )
    told = orjson.loads(run("curl", plain.id, "--launch", launch_name, "--json").stdout)
    assert told["masked"] == ["query token", "$.user.password"]


def test_curl_is_printed_for_both_sides(run: Any, shop: str) -> None:
    shadow, primary = run("curl", "abcd1234:31", "--launch", shop).output.splitlines()
    assert shadow.endswith("# shadow") and "http://shadow:8000/orders/31" in shlex.split(shadow, comments=True)
    assert primary.endswith("# primary") and "http://shop/orders/31" in shlex.split(primary, comments=True)


def test_coverage_says_which_routes_were_judged_and_what_others_lack(run: Any, shop: str, postgres_dsn: str) -> None:
    assert "is not known" in run("report", shop, "--coverage").output
    assert "mirrored and judged" not in run("report", shop).output
    routes = [["GET", "/orders/{id}"], ["GET", "/quote"], ["GET", "/new\x1b[31m"], ["POST", "/orders"]]
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        connection.execute(
            "INSERT INTO darklaunch.route_table VALUES ('shop', 'f', 'flask', %s::jsonb, 0, now())",
            [orjson.dumps(routes).decode()],
        )
    lines = run("report", shop, "--coverage").output.splitlines()
    assert lines[0].startswith(f"{shop}: 2 of 4 routes mirrored and judged; no request yet:")
    assert all(len(line) <= 80 and "\x1b" not in line for line in lines)
    assert [line.split("   ")[-1].strip() for line in lines[-2:]] == [
        "no request was sampled yet",
        "a write that is not allowed (--allow)",
    ]
    told = orjson.loads(run("report", shop, "--coverage", "--json").output)["coverage"]
    assert (told["routes"], told["judged"]) == (4, 2)
    assert orjson.loads(run("report", shop, "--json").output)["coverage"] == told
    assert "2 of 4 routes mirrored and judged; no request yet: " in " ".join(run("report", shop).output.split())
    assert "2 of 4 routes" in run("report", shop, "--markdown").output
    assert run("report", shop, "--coverage", "--markdown").exit_code == BadUsage.exit_code


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

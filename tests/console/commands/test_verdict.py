"""`verdict`, `history` and the verdict in `report`, of launches that were really judged."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.judging.policy_file import write_policy
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_comparator.store.signatures import decide_signatures
from darklaunch_comparator.store.write_batch import prepare_connection
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.cli import redis_client
from tests.support.court import Court
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]
STEPS = (RampStep(50, 0.05, 100), RampStep(100, 0.01, 300))
POLICY = JudgePolicy(steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05)


@pytest.fixture
def court(redis_url, postgres_dsn, launch_name):
    with redis_client(redis_url) as redis, connect_store(postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield Court(connection, redis, launch_name, POLICY)


def exits(cli, *arguments):
    result = cli.run("verdict", *arguments)
    return result.exit_code, result.stdout.splitlines()


def test_nothing_judged_is_undecided(cli, court):
    assert exits(cli, court.name) == (
        2,
        ["KEEP WATCHING: nothing has been judged yet; no comparator has looked at it."],
    )
    court.look()
    code, lines = exits(cli, court.name)
    assert (code, lines[0]) == (
        2,
        "KEEP WATCHING: nothing has been judged yet; no traffic neither promotes nor rolls back.",
    )


def test_what_is_still_needed_is_said(cli, court):
    court.hear(traffic(200, start_ms=court.start_ms))
    code, lines = exits(cli, court.name)
    assert code == 2
    assert lines[0] == "KEEP WATCHING: 200 exchanges judged, about 239 more needed, 12 s at 20 a second."
    assert lines[1].startswith("  Evidence for a rollback ")
    assert any(line.startswith("  Not judged yet: ") for line in lines) or len(lines) == 2
    assert all(len(line) <= 100 for line in lines)


def test_a_good_launch_exits_with_0(cli, court):
    court.hear(traffic(1_000, start_ms=court.start_ms))
    code, lines = exits(cli, court.name, "--wait", "--timeout", "1m")
    assert code == 0
    assert lines[0] == "PROMOTE: no guard objects after 1,000 exchanges; 3 of 3 endpoints judged."
    assert lines[1] == f"  A person promotes: darklaunch promote {court.name}"


def test_a_bad_launch_exits_with_1_and_the_report_says_it_first(cli, court):
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.2}))
    code, lines = exits(cli, court.name)
    assert code == 1
    assert lines[0].startswith(f"ROLL BACK: {SEARCH} differs in 2")
    assert f"  The judge may only advise: darklaunch rollback {court.name}" in lines
    assert cli.ok("report", court.name).splitlines()[0] == lines[0]
    assert lines[0] in cli.ok("report", court.name, "--markdown").replace("\\", "")
    assert cli.json("report", court.name)["verdict"][0] == lines[0]
    told = cli.json("verdict", court.name, code=1)
    assert (told["answer"], told["exit_code"], told["verdict"]) == ("roll_back", 1, "roll_back")
    assert told["leading"]["endpoint"] == SEARCH


def test_the_places_that_differ_more_than_by_noise_are_named(cli, court):
    run = court.connection.execute
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 41, 0)", [court.name, SEARCH])
    run(
        "INSERT INTO darklaunch.noise_place VALUES (%s, %s, 'primary', '$.total', 0, 0, 0, 0, 10, 10, 0, 'learning')",
        [court.name, SEARCH],
    )
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.2}))
    told = "$.total differs more than its own noise at GET /search: 142 : 1 after 41 pairs"
    for command in ("verdict", "report", "history"):
        code = 1 if command == "verdict" else 0
        assert told in cli.run(command, court.name).stdout
        assert cli.run(command, court.name).exit_code == code


def test_routes_and_what_came_too_late_are_told(cli, court):
    court.hear(traffic(200, start_ms=court.start_ms))
    court.record(traffic(3, start_ms=court.start_ms))
    table = """[["GET", "/orders/{id}"], ["GET", "/new"]]"""
    court.connection.execute(
        "INSERT INTO darklaunch.route_table VALUES ('shop', 'f', 'flask', %s::jsonb, 0, now())", [table]
    )
    try:
        _, lines = exits(cli, court.name)
        told = cli.json("verdict", court.name, code=2)["routes"]
        assert cli.ok("report", court.name).count("of 2 routes mirrored and judged") == 1
    finally:
        court.connection.execute("DELETE FROM darklaunch.route_table")
    assert told == {"total": 2, "judged": 0}
    assert any(line.startswith("  0 of 2 routes mirrored and judged; too few exchanges yet: ") for line in lines)
    late = "3 exchanges came after the window was judged: counted, but no evidence."
    assert f"  {late}" in lines
    assert late in cli.ok("history", court.name)
    assert cli.json("history", court.name)["late"] == 3
    assert cli.json("verdict", court.name, code=2)["late"] == 3


def test_what_a_person_decided_is_decided(cli, court):
    update_launch(court.connection, court.name, LaunchAct("ann", "promoted"), status=LaunchStatus.PROMOTED)
    code, lines = exits(cli, court.name)
    assert (code, lines[0]) == (0, "PROMOTED by ann.")
    update_launch(court.connection, court.name, LaunchAct("ann", "rolled_back"), status=LaunchStatus.ROLLED_BACK)
    assert exits(cli, court.name) == (1, ["ROLLED BACK by ann."])


def test_what_waits_until_it_is_known_to_be_noise_or_not_is_said(cli, court):
    court.look()
    assert not any("noise" in line for line in exits(cli, court.name)[1])
    court.connection.execute(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen) VALUES (%s, 'new', %s, '$.at value', 'mismatched', "
        "jsonb_build_array(jsonb_build_object('path', '$.at', 'kind', 'value')), 1, now(), now() + interval '1 hour')",
        [court.name, SEARCH],
    )
    assert exits(cli, court.name)[1][0] == "KEEP WATCHING: nothing has been judged yet; what differs may be noise."
    assert "\nWaiting, for 10 min at most, to know if this is noise" in cli.run("watch", court.name, "--once").stdout
    court.hear(traffic(40, start_ms=court.start_ms))
    waiting = f"  Waiting, for 10 min at most, to know if this is noise: {SEARCH} $.at value. What came since "
    assert any(line.startswith(waiting) for line in exits(cli, court.name)[1])
    assert waiting.strip() in cli.ok("report", court.name)
    assert cli.json("verdict", court.name, code=2)["waiting_for"] == [{"endpoint": SEARCH, "title": "$.at value"}]
    decide_signatures(court.connection, court.name, ["new"], "accepted", actor="ann", reason="meant")
    court.connection.execute(
        "UPDATE darklaunch.signature SET first_seen = now() - interval '11 min' WHERE fingerprint = 'new'"
    )
    assert not any("noise" in line for line in exits(cli, court.name)[1])


def test_the_evidence_about_each_build_is_told_apart(cli, court):
    court.hear(traffic(100, start_ms=court.start_ms, build=""))
    assert not any("build" in line for line in exits(cli, court.name)[1])
    court.hear(traffic(1_000, start_ms=court.now_ms + 20_000, mismatch={SEARCH: 0.5}, build="v1"))
    court.hear(traffic(200, start_ms=court.now_ms + 20_000, build="v2"))
    said = "  This is about build v2; kept apart: one without a name (100 exchanges), v1 (1,000 exchanges, condemned)."
    assert exits(cli, court.name)[1][-1] == said
    told = cli.json("verdict", court.name, code=2)["builds"]
    assert [(each["build"], each["judged"], each["condemned"]) for each in told] == [
        ("", 100, False), ("v1", 1_000, True), ("v2", 200, False)
    ]  # fmt: skip


def test_waiting_ends_with_the_time(cli, court):
    code, lines = exits(cli, court.name, "--wait", "--timeout", "300ms")
    assert (code, len(lines)) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["no-such-launch"], 'there is no launch "no-such-launch"'),
        (["Bad Name"], "cannot name a launch"),
        ([], "Missing argument"),
        (["x", "--timeout", "soon"], "is not a duration"),
        (["x", "--colour"], "No such option"),
    ],
)
def test_what_goes_wrong_is_no_answer(cli, court, arguments, named):
    result = cli.run("verdict", *arguments)
    assert result.exit_code == 4
    assert named in result.stderr


def test_history_tells_who_did_what_and_what_it_rested_on(cli, court):
    spec = replace(court.state.spec, policy="")
    update_launch(court.connection, court.name, LaunchAct("ann", "policy_set", "why not"), spec=spec)
    update_launch(court.connection, court.name, LaunchAct("ann", "ramped"), percent=50)
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.2}))
    said = cli.ok("history", court.name)
    assert said.startswith(f"{court.name}: 5 events, the latest first")
    assert "ramped to 50 % by ann" in said
    assert "policy set by ann" in said
    assert "  soak_s: 10 → 300\n" in said
    assert "  budgets.mismatch: 0.01 → 0.001\n" in said
    assert "roll back: GET /search differs in 2" in said
    events = cli.json("history", court.name)["events"]
    assert [event["act"] for event in events] == ["verdict", "verdict", "ramped", "policy_set", "started"]
    assert {"policy", "rules", "guards", "log_e", "judged", "leading", "why"} <= events[0]["data"].keys()
    assert events[0]["actor"] == "judge"


def test_a_judge_that_acts_is_seen(cli, court):
    spec = court.state.spec
    policy = replace(POLICY, mode=JudgeMode.MANUAL)
    update_launch(
        court.connection, court.name, LaunchAct("ann", "policy_set"), spec=replace(spec, policy=write_policy(policy))
    )
    court.hear(traffic(1_000, start_ms=court.start_ms, mismatch={SEARCH: 0.2}))
    code, lines = exits(cli, court.name)
    assert code == 1
    assert lines[0].startswith(f"ROLLED BACK: {SEARCH} differs in 2")
    told = cli.ok("history", court.name).splitlines()
    assert [line.split("  ")[2] for line in told if line.startswith("  ") and line[2].isdigit()][:2] == [
        "rolled back by judge",
        "verdict by judge",
    ]
    assert sum(f"{SEARCH} differs in 2" in line for line in told) == 1, "the verdict does not say it again"
    for command in ("report", "show", "list"):
        shown = cli.run(command, *([] if command == "list" else [court.name])).stdout
        assert "olled back" in shown and "held" not in shown.lower(), shown


def test_promoting_against_the_verdict_takes_a_reason_on_the_record(cli, court):
    rare = traffic(60, endpoints=("GET /rare",), start_ms=court.start_ms, per_s=1.2)
    court.hear(iter(sorted([*traffic(1_000, start_ms=court.start_ms), *rare], key=lambda each: each.at_ms)))
    assert exits(cli, court.name)[1][0].startswith("INSUFFICIENT TRAFFIC: GET /rare carries 5.")
    refused = cli.run("promote", court.name, "--anyway")
    assert refused.exit_code == 1
    assert "GET /rare carries 5." in refused.stderr
    assert "--anyway --reason" in refused.stderr
    cli.ok("promote", court.name, "--anyway", "--reason", "it is a health check")
    event = cli.json("history", court.name)["events"][0]
    assert (event["act"], event["reason"], len(event["data"]["despite"])) == ("promoted", "it is a health check", 1)
    code, lines = exits(cli, court.name)
    assert code == 0
    assert lines[0] == f"PROMOTED by {event['actor']}: it is a health check."

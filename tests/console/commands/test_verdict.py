"""`verdict`, `history` and the verdict in `report`, of launches that were really judged."""

import re
from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_comparator.store.signatures import decide_signatures
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.judge_harness import record_doubtful
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


STEPS = (RampStep(50, 0.05, 100), RampStep(100, 0.01, 300))


POLICY = JudgePolicy(steps=STEPS, soak_s=10, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05)


def exits(cli, *arguments):
    result = cli.run("verdict", *arguments)
    return result.exit_code, unwrap(result.stdout)


def unwrap(text):
    """Return the lines before they were wrapped: what goes on is indented by four, in the first one not at all."""
    return re.sub(r"\n(?:(?=[^ \n])|    (?! ))", " ", text.rstrip("\n")).splitlines()


def test_nothing_judged_is_undecided(cli, harness):
    assert exits(cli, harness.name) == (
        2,
        ["KEEP WATCHING: nothing has been judged yet; no comparator has looked at it."],
    )
    harness.judge_now()
    code, lines = exits(cli, harness.name)
    assert (code, lines[0]) == (
        2,
        "KEEP WATCHING: nothing has been judged yet; without traffic it is neither promoted nor rolled back.",
    )


def test_what_is_still_needed_is_said(cli, harness):
    harness.judge_traffic(traffic(200, start_ms=harness.start_ms))
    code, lines = exits(cli, harness.name)
    assert code == 2
    assert lines[0] == "KEEP WATCHING: 200 exchanges judged, about 1,001 more needed, 50 s at 20 a second."
    assert lines[1].startswith("  Evidence against the shadow: ")
    assert any(line.startswith("  Not judged yet: ") for line in lines) or len(lines) == 2
    assert all(len(line) <= 80 for line in cli.run("verdict", harness.name).stdout.splitlines())


def test_a_good_launch_exits_with_0(cli, harness):
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms))
    code, lines = exits(cli, harness.name, "--wait", "--timeout", "1m")
    assert code == 0
    assert lines[0] == (
        "PROMOTE: all checks pass after 1,000 exchanges; 3 of 3 endpoints judged; latency p50 20 → 20 ms, "
        "p95 56 → 57 ms, p99 91 → 93 ms, timed by the hook in both."
    )
    assert lines[1] == f"  Next: darklaunch promote {harness.name} (the policy leaves that to a person)"


def test_a_bad_launch_exits_with_1_and_the_report_says_it_first(cli, harness):
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    code, lines = exits(cli, harness.name)
    assert code == 1
    assert lines[0].startswith(f"ROLL BACK: {SEARCH} differs in 2")
    assert f"  Next: darklaunch rollback {harness.name} (the policy lets the judge advise, not act)" in lines
    assert unwrap(cli.ok("report", harness.name).partition("\n\n")[0])[0] == lines[0]
    assert lines[0] in cli.ok("report", harness.name, "--markdown").replace("\\", "")
    assert cli.json("report", harness.name)["verdict"][0] == lines[0]
    told = cli.json("verdict", harness.name, code=1)
    assert (told["answer"], told["exit_code"], told["verdict"]) == ("roll_back", 1, "roll_back")
    assert told["leading"]["endpoint"] == SEARCH


def test_a_slower_endpoint_is_a_problem_and_report_and_verdict_agree(cli, harness):
    slow = (
        replace(each, primary_ms=0.3, shadow_ms=51.0 if each.endpoint == SEARCH else 0.3)
        for each in traffic(2_000, start_ms=harness.start_ms)
    )
    harness.judge_traffic(slow)
    told = "GET /search is slower: p50 0.3 → 51 ms, in 100 % of requests"
    first, *_ = exits(cli, harness.name)[1]
    assert first.startswith(f"ROLL BACK: {told}")
    report = " ".join(cli.ok("report", harness.name).split())
    assert f"1 problem in 2,000 compared exchanges: {told}" in report


def test_the_places_that_differ_more_than_by_noise_are_named(cli, harness):
    run = harness.connection.execute
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 41, 0)", [harness.name, SEARCH])
    run(
        "INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, shadow_odd, state) "
        "VALUES (%s, %s, 'primary', '$.total', 'value', 10, 'learning')",
        [harness.name, SEARCH],
    )
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    told = (
        "$.total at GET /search differs more often than one version does from itself (41 requests asked twice); "
        "less than 1 in 100 that this is chance"
    )
    for command in ("verdict", "report", "history"):
        code = 1 if command == "verdict" else 0
        assert told in " ".join(cli.run(command, harness.name).stdout.split())
        assert cli.run(command, harness.name).exit_code == code


def test_routes_and_what_came_too_late_are_told(cli, harness):
    harness.judge_traffic(traffic(200, start_ms=harness.start_ms))
    harness.record(traffic(3, start_ms=harness.start_ms))
    table = """[["GET", "/orders/{id}"], ["GET", "/new"]]"""
    harness.connection.execute(
        "INSERT INTO darklaunch.route_table VALUES ('shop', 'f', 'flask', %s::jsonb, 0, now())", [table]
    )
    try:
        _, lines = exits(cli, harness.name)
        told = cli.json("verdict", harness.name, code=2)["routes"]
        assert cli.ok("report", harness.name).count("of 2 routes mirrored and judged") == 1
    finally:
        harness.connection.execute("DELETE FROM darklaunch.route_table")
    assert told == {"total": 2, "judged": 0}
    assert any(line.startswith("  0 of 2 routes mirrored and judged; too few exchanges yet: ") for line in lines)
    late = "3 exchanges came after the window was judged: counted, but no evidence."
    assert f"  {late}" in lines
    assert late in cli.ok("history", harness.name)
    assert cli.json("history", harness.name)["late"] == 3
    assert cli.json("verdict", harness.name, code=2)["late"] == 3


def test_what_a_person_decided_is_decided(cli, harness):
    update_launch(harness.connection, harness.name, LaunchAct("ann", "promoted"), status=LaunchStatus.PROMOTED)
    code, lines = exits(cli, harness.name)
    assert (code, lines[0]) == (0, "PROMOTED by ann.")
    update_launch(harness.connection, harness.name, LaunchAct("ann", "rolled_back"), status=LaunchStatus.ROLLED_BACK)
    assert exits(cli, harness.name) == (1, ["ROLLED BACK by ann."])


def test_what_waits_until_it_is_known_to_be_noise_or_not_is_said(cli, harness):
    harness.judge_now()
    assert not any("noise" in line for line in exits(cli, harness.name)[1])
    harness.connection.execute(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen) VALUES (%s, 'new', %s, '$.at value', 'mismatched', "
        "jsonb_build_array(jsonb_build_object('path', '$.at', 'kind', 'value')), 1, now(), now() + interval '1 hour')",
        [harness.name, SEARCH],
    )
    assert exits(cli, harness.name)[1][0] == "KEEP WATCHING: nothing has been judged yet; what differs may be noise."
    assert "\nWaiting, for 10 min at most, to know if this is noise" in cli.run("watch", harness.name, "--once").stdout
    harness.judge_traffic(traffic(40, start_ms=harness.start_ms))
    waiting = f"  Waiting, for 10 min at most, to know if this is noise: {SEARCH} $.at value. What came since "
    assert any(line.startswith(waiting) for line in exits(cli, harness.name)[1])
    assert waiting.strip() in " ".join(cli.ok("report", harness.name).split())
    assert cli.json("verdict", harness.name, code=2)["waiting_for"] == [{"endpoint": SEARCH, "title": "$.at value"}]
    decide_signatures(harness.connection, harness.name, ["new"], "accepted", actor="ann", reason="meant")
    harness.connection.execute(
        "UPDATE darklaunch.signature SET first_seen = now() - interval '11 min' WHERE fingerprint = 'new'"
    )
    assert not any("noise" in line for line in exits(cli, harness.name)[1])


def test_what_was_left_out_because_it_may_be_noise_is_said(cli, harness):
    wrong = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(100, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(wrong))
    run, place = harness.connection.execute, [harness.name, SEARCH]
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 9, 0)", place)
    run(
        "INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, shadow_odd, all_differ) "
        "VALUES (%s, %s, 'primary', '$.at', 'value', 3, 1)",
        place,
    )
    harness.advance(700)
    assert cli.json("verdict", harness.name, code=2)["left_out"] == 1
    said = "  Not counted: 1 kind of mismatch that may be noise. Each counts once it is known not to be noise."
    assert said in exits(cli, harness.name)[1]


def test_report_and_verdict_agree_about_what_may_be_noise(cli, harness):
    wrong = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(100, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(wrong))
    harness.judge_now()
    told = cli.json("report", harness.name)
    doubt = "1 kind of mismatch may be noise and is not judged yet"
    assert told["headline"] == f"{harness.name}: no problem in 100 compared exchanges; {doubt}."
    assert (told["signatures"], [each["fingerprint"] for each in told["in_doubt"]]) == ([], ["new"])
    text = " ".join(cli.ok("report", harness.name).split())
    assert f"May be noise, not judged yet {SEARCH} x, once, " in text
    assert "may be noise: not judged yet" in cli.run("mismatches", harness.name).stdout
    harness.connection.execute(
        "INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 40, 0)", place := [harness.name, SEARCH]
    )
    harness.connection.execute(
        "INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, shadow_odd, state) "
        "VALUES (%s, %s, 'primary', '$.at', 'value', 40, 'exceeded')",
        place,
    )
    decided = cli.json("report", harness.name)
    assert decided["headline"] == f"{harness.name}: 1 problem in 100 compared exchanges: {SEARCH} x."
    assert decided["in_doubt"] == []


def test_the_evidence_about_each_build_is_told_apart(cli, harness):
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms, build=""))
    assert not any("build" in line for line in exits(cli, harness.name)[1])
    harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms + 20_000, mismatch={SEARCH: 0.5}, build="v1"))
    harness.judge_traffic(traffic(200, start_ms=harness.now_ms + 20_000, build="v2"))
    said = (
        "  This is about build v2. Other builds, judged by themselves: one without a name (100 exchanges), "
        "v1 (1,000 exchanges, to be rolled back)."
    )
    assert exits(cli, harness.name)[1][-1] == said
    told = cli.json("verdict", harness.name, code=2)["builds"]
    assert [(each["build"], each["judged"], each["condemned"]) for each in told] == [
        ("", 100, False), ("v1", 1_000, True), ("v2", 200, False)
    ]  # fmt: skip


def test_waiting_ends_with_the_time(cli, harness):
    result = cli.run("verdict", harness.name, "--wait", "--timeout", "300ms")
    assert result.exit_code == 2
    assert result.stdout.count("KEEP WATCHING") in (1, 2)  # on a busy machine the time is up at the first look


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
def test_what_goes_wrong_is_no_answer(cli, harness, arguments, named):
    result = cli.run("verdict", *arguments)
    assert result.exit_code == 4
    assert named in result.stderr


def test_a_judge_that_acts_is_seen(cli, harness):
    spec = harness.state.spec
    policy = replace(POLICY, mode=JudgeMode.MANUAL)
    update_launch(
        harness.connection,
        harness.name,
        LaunchAct("ann", "policy_set"),
        spec=replace(spec, policy=dump_policy_json(policy)),
    )
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    code, lines = exits(cli, harness.name)
    assert code == 1
    assert lines[0].startswith(f"ROLLED BACK: {SEARCH} differs in 2")
    told = cli.ok("history", harness.name).splitlines()
    assert [line.split("  ")[2] for line in told if line.startswith("  ") and line[2].isdigit()][:2] == [
        "rolled back by judge",
        "verdict by judge",
    ]
    assert sum(f"{SEARCH} differs in 2" in line for line in told) == 1, "the verdict does not say it again"
    for command in ("report", "show", "list"):
        shown = cli.run(command, *([] if command == "list" else [harness.name])).stdout
        assert "olled back" in shown and "held" not in shown.lower(), shown


def test_promoting_against_the_verdict_takes_a_reason_on_the_record(cli, harness):
    rare = traffic(60, endpoints=("GET /rare",), start_ms=harness.start_ms, per_s=1.2)
    harness.judge_traffic(
        iter(sorted([*traffic(1_000, start_ms=harness.start_ms), *rare], key=lambda each: each.at_ms))
    )
    assert exits(cli, harness.name)[1][0].startswith("INSUFFICIENT TRAFFIC: GET /rare (5.")
    refused = cli.run("promote", harness.name, "--anyway")
    assert refused.exit_code == 1
    assert "GET /rare (5." in refused.stderr
    assert "--anyway --reason" in refused.stderr
    cli.ok("promote", harness.name, "--anyway", "--reason", "it is a health check")
    event = cli.json("history", harness.name)["events"][0]
    assert (event["act"], event["reason"], len(event["data"]["despite"])) == ("promoted", "it is a health check", 1)
    code, lines = exits(cli, harness.name)
    assert code == 0
    assert lines[0] == f"PROMOTED by {event['actor']}: it is a health check."

"""Noise is of one build under one set of rules: another build is not judged by what its predecessor did."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_comparator.store.noise import read_known_noise, read_latest_change, read_noise_changes
from darklaunch_comparator.store.signatures import decide_signatures

from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness, record_doubtful
from tests.support.judge_traffic import ENDPOINTS, traffic

ADVISE = replace(QUICK_POLICY, mode=JudgeMode.ADVISE)
SEARCH = ENDPOINTS[1]


def learn(harness: JudgeHarness, state: str) -> None:
    """Pretend that the leader has learned of $.at at SEARCH."""
    run, values = harness.connection.execute, [harness.name, SEARCH]
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 141, 0)", values)
    run(
        "INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, state, shadow_odd)"
        " VALUES (%s, %s, 'primary', '$.at', 'value', %s, 30)",
        [*values, state],
    )


def begin_build(harness: JudgeHarness, build: str, after_s: float) -> None:
    harness.judge_traffic(traffic(200, start_ms=harness.start_ms + round(after_s * 1000), build=build))


@pytest.mark.parametrize("state", ["exceeded", "volatile", "measured"])
def test_a_build_that_repairs_a_place_is_compared_without_what_the_last_one_did_there(
    make_harness: MakeHarness, state: str
) -> None:
    harness = make_harness(ADVISE)
    begin_build(harness, "v1", 0)
    learn(harness, state)
    before = read_latest_change(harness.connection)
    assert SEARCH in read_known_noise(harness.connection)[harness.name]

    begin_build(harness, "v2", 60)

    assert harness.name not in read_known_noise(harness.connection)
    assert read_latest_change(harness.connection) > before, "comparators read it again"
    (change,) = read_noise_changes(harness.connection, harness.name)
    assert (change.was, change.became, change.counts.shadow_odd) == (state, "learning", 30)
    assert (harness.judgement.summary["build"], harness.judgement.summary["judged"]) == ("v2", 200)


def test_what_is_learned_of_a_build_is_not_forgotten_while_it_goes_on(make_harness: MakeHarness) -> None:
    harness = make_harness(ADVISE)
    begin_build(harness, "v1", 0)
    begin_build(harness, "v2", 60)
    learn(harness, "volatile")
    begin_build(harness, "v2", 120)
    assert SEARCH in read_known_noise(harness.connection)[harness.name]


def test_what_was_noise_of_the_last_build_still_is_when_its_results_are_judged_again(
    make_harness: MakeHarness,
) -> None:
    harness = make_harness(ADVISE)
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(200, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(seen))
    learn(harness, "volatile")
    harness.advance(60)
    begin_build(harness, "v2", 60)
    accept_something_else(harness)
    harness.judge_now()
    begin_build(harness, "v1", 120)
    begin_build(harness, "v1", 200)
    assert (harness.judgement.summary["build"], harness.judgement.summary["judged"]) == ("v1", 600)
    assert harness.judgement.summary["guards"][0]["failed"] == 0


def accept_something_else(harness: JudgeHarness) -> None:
    harness.connection.execute(
        "INSERT INTO darklaunch.signature (launch, fingerprint, endpoint, title, outcome, parts, count, first_seen, "
        "last_seen) VALUES (%s, 'other', 'GET /cart', 'x', 'mismatched', '[]', 1, now(), now())",
        [harness.name],
    )
    decide_signatures(harness.connection, harness.name, ["other"], "accepted", actor="ann", reason="so it is meant")


@pytest.mark.parametrize(
    ("rules", "is_kept"), [('{"ignore": [{"path": "$.at", "reason": "a clock"}]}', False), ("", True)]
)
def test_other_rules_forget_what_was_learned_and_another_budget_does_not(
    make_harness: MakeHarness, rules: str, is_kept: bool
) -> None:
    harness = make_harness(ADVISE)
    begin_build(harness, "v1", 0)
    learn(harness, "exceeded")
    spec = replace(harness.state.spec, rules=rules, policy='{"budgets": {"mismatch": 0.02}}')
    update_launch(harness.connection, harness.name, LaunchAct("ann", "changed"), spec=spec)
    harness.judge_now()
    assert harness.judgement.round_number == 2
    assert (harness.name in read_known_noise(harness.connection)) is is_kept


def test_mismatches_of_a_new_build_wait_although_their_group_is_an_old_one(make_harness: MakeHarness) -> None:
    harness = make_harness(ADVISE)
    begin_build(harness, "v1", 0)
    learn(harness, "volatile")
    start_ms = harness.start_ms + 1_200_000
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=start_ms, build="v2")]
    record_doubtful(harness, SEARCH, iter(seen))
    harness.now_ms = start_ms + 60_000
    harness.judge_now()
    harness.judge_now()
    assert harness.name not in read_known_noise(harness.connection)
    assert harness.judgement.summary["judged"] == 200, "it is not known yet whether those of v2 are noise"
    assert harness.judgement.verdict != "roll_back"
    learn(harness, "exceeded")
    harness.judge_now()
    assert (harness.judgement.verdict, harness.judgement.summary["build"]) == ("roll_back", "v2")

"""What the judge does about a launch, with a real Postgres and Redis."""

from dataclasses import replace
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.judging.policy_file import check_policy, dump_policy_json
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.judge_harness import QUICK_POLICY, MakeHarness, read_redis_state
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


def test_a_good_launch_is_raised_step_by_step_and_promoted(make_harness: MakeHarness) -> None:
    harness = make_harness(percent=1.0)
    harness.judge_traffic(traffic(2_000, start_ms=harness.start_ms))
    acts = [(event.act, event.data.get("percent", {}).get("to")) for event in harness.events]
    assert acts == [("verdict", None), ("ramped", 10.0), ("ramped", 100.0), ("verdict", None), ("promoted", None)]
    assert {event.actor for event in harness.events} == {"judge"}
    assert harness.events[1].reason == "all checks pass at 1 % of traffic: raised to 10 %"
    assert harness.events[-1].reason.startswith("all checks pass after ")
    assert harness.state.status is LaunchStatus.PROMOTED and read_redis_state(harness) == harness.state
    assert harness.judgement.verdict == "promote"


def test_a_bad_launch_is_rolled_back_with_its_evidence_recorded(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    harness.judge_traffic(traffic(2_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    *_, verdict, act = harness.events
    assert (verdict.act, act.act, act.actor) == ("verdict", "rolled_back", "judge")
    assert act.reason.startswith(f"{SEARCH} differs in 2")
    assert "(budget 1 %), since " in act.reason and act.reason.endswith(" that this is chance")
    assert (harness.state.status, harness.state.hold) == (LaunchStatus.ROLLED_BACK, True)
    assert read_redis_state(harness) == harness.state
    data = act.data
    assert data["verdict"] == "roll_back" and data["leading"]["endpoint"] == SEARCH and data["build"] == "v1"
    assert check_policy(data["policy"]).mode is JudgeMode.MANUAL
    assert len(data["rules"]) == 16 and data["trial"] == 1
    assert [each["guard"] for each in data["guards"]] == ["mismatch", "error", "slow", "p50", "p95", "p99"]
    assert data["guards"][4]["threshold_ms"] > 10 or data["judged"] < 200


def test_a_judge_that_may_only_advise_does_nothing(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(2_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.2}))
    assert [event.act for event in harness.events] == ["verdict", "verdict"]
    assert harness.judgement.verdict == "roll_back"
    assert (harness.state.status, harness.state.percent) == (LaunchStatus.ACTIVE, 100.0)
    spec = replace(harness.state.spec, policy=dump_policy_json(replace(QUICK_POLICY, mode=JudgeMode.MANUAL)))
    update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)
    harness.judge_now()
    assert harness.state.status is LaunchStatus.ROLLED_BACK, "it was condemned already"


def test_a_paused_launch_is_rolled_back_but_not_raised(make_harness: MakeHarness) -> None:
    harness = make_harness(percent=1.0)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "paused"), status=LaunchStatus.PAUSED)
    harness.judge_traffic(traffic(500, start_ms=harness.start_ms))
    assert [act for act, _ in harness.acts] == ["paused", "verdict"]
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms + 60_000, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK


@pytest.mark.parametrize("bad", [{}, {"mismatch": {SEARCH: 0.5}}])
def test_a_launch_on_hold_is_judged_and_left_alone(make_harness: MakeHarness, bad: dict[str, Any]) -> None:
    harness = make_harness(percent=1.0)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "held"), hold=True)
    harness.judge_traffic(traffic(500, start_ms=harness.start_ms, **bad))
    assert {event.act for event in harness.events} == {"held", "verdict"}
    assert (harness.state.status, harness.state.percent) == (LaunchStatus.ACTIVE, 1.0)
    assert harness.judgement.summary["move"] == ("roll_back" if bad else "raise")


def test_a_person_makes_a_step_that_is_by_hand(make_harness: MakeHarness) -> None:
    steps = (QUICK_POLICY.steps[0], replace(QUICK_POLICY.steps[2], by_hand=True))
    harness = make_harness(replace(QUICK_POLICY, steps=steps), percent=1.0)
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms))
    assert harness.state.percent == 1.0
    assert (harness.judgement.summary["move"], harness.judgement.summary["by_hand"]) == ("raise", True)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "ramped"), percent=100)
    harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms))
    assert harness.state.status is LaunchStatus.PROMOTED

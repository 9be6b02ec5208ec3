"""When judging starts over: people overrule a verdict, or what evidence depends on changes."""

from dataclasses import replace
from typing import Any

import pytest
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.publish import publish_launch

from tests.support.judge_harness import QUICK_POLICY, MakeHarness
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


def test_judging_starts_over_for_a_launch_that_people_resume(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    record = update_launch(
        harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False
    )
    publish_launch(harness.redis, record.state, lift_hold=True)
    harness.advance(0)
    assert (harness.judgement.round_number, harness.judgement.verdict) == (2, "insufficient_traffic")
    harness.judge_traffic(traffic(400, start_ms=harness.now_ms + 20_000))
    assert (harness.state.status, harness.state.hold) == (LaunchStatus.ACTIVE, False)
    assert 0 < harness.judgement.summary["judged"] <= 400


def test_judging_starts_over_after_an_advised_rollback_was_taken_back(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert (harness.judgement.round_number, harness.judgement.verdict, harness.state.status) == (
        1,
        "roll_back",
        LaunchStatus.ACTIVE,
    )
    advised = LaunchAct("ann", "rolled_back")
    update_launch(harness.connection, harness.name, advised, status=LaunchStatus.ROLLED_BACK, hold=True)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    harness.advance(0)
    assert (harness.judgement.round_number, harness.judgement.verdict) == (2, "insufficient_traffic")
    harness.advance(60)
    assert harness.judgement.round_number == 2


def test_judging_starts_over_with_other_budgets_but_not_with_another_soak(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    for change, round_number in ((replace(QUICK_POLICY, mode=JudgeMode.ADVISE, soak_s=99), 1), (JudgePolicy(), 2)):
        spec = replace(harness.state.spec, policy=dump_policy_json(change))
        update_launch(harness.connection, harness.name, LaunchAct("ann", "policy_set"), spec=spec)
        harness.judge_now()
        assert harness.judgement.round_number == round_number


@pytest.mark.parametrize(
    ("change", "round_number"),
    [
        ({"rules": '{"ignore": [{"path": "$.at", "reason": "a clock"}]}'}, 2),
        ({"shadow": "http://another:8000"}, 2),
        ({"max_latency_diff_ms": 500.0}, 2),
        ({"noise_percent": 50.0, "control": "http://control:8000", "max_rps": 9.0, "allow": ("POST /search",)}, 1),
    ],
)
def test_judging_starts_over_with_other_rules_or_another_shadow(
    make_harness: MakeHarness, change: Any, round_number: int
) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    harness.judge_traffic(traffic(100, start_ms=harness.start_ms))
    spec = replace(harness.state.spec, **change)
    update_launch(harness.connection, harness.name, LaunchAct("ann", "changed"), spec=spec)
    harness.judge_now()
    assert harness.judgement.round_number == round_number

"""Shadows that do not respond: said at once and rolled back within a minute, however many requests wait meanwhile."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness
from tests.support.judge_traffic import traffic

MANUAL = replace(QUICK_POLICY, mode=JudgeMode.MANUAL)


def hold_back(harness: JudgeHarness) -> None:
    """Make an exchange wait on the stream, as those that an open circuit breaker holds back."""
    entry_id = f"{harness.start_ms}-0"
    harness.redis.execute_command("XADD", keys.captures(harness.name), entry_id, "id", "abcd1234:1")


def pass_seconds(harness: JudgeHarness, seconds: int, per_s: float, *, error: float) -> None:
    """Record that many attempts a second, all captured at the start, and judge every two seconds."""
    attempts = list(traffic(round(seconds * per_s), start_ms=harness.start_ms, error=error, per_s=100))
    recorded = 0
    for second in range(2, seconds + 1, 2):
        due = round(second * per_s)
        harness.record(attempts[recorded:due])
        recorded = due
        harness.advance(2)


@pytest.mark.parametrize("per_s", [0.1, 1.0, 24.0])
def test_a_dead_shadow_is_rolled_back_within_a_minute_whatever_waits(make_harness: MakeHarness, per_s: float) -> None:
    harness = make_harness(MANUAL)
    hold_back(harness)
    pass_seconds(harness, 60, per_s, error=1.0)
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    act, reason = harness.acts[-1]
    assert act == "rolled_back"
    assert reason.startswith("the shadow does not respond in time: none of ")
    assert "and it has never responded" in reason


def test_a_dead_shadow_is_said_within_seconds_and_taken_back_when_it_responds(make_harness: MakeHarness) -> None:
    harness = make_harness(MANUAL)
    hold_back(harness)
    pass_seconds(harness, 8, 1.0, error=1.0)
    assert harness.judgement.verdict == "shadow_down"
    assert harness.state.status is LaunchStatus.ACTIVE
    harness.record(traffic(1, start_ms=harness.start_ms))
    harness.advance(2)
    assert harness.judgement.verdict == "insufficient_traffic"


def test_a_dead_shadow_is_rolled_back_by_nobody_if_the_judge_only_advises(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    pass_seconds(harness, 60, 1.0, error=1.0)
    assert (harness.judgement.verdict, harness.judgement.summary["move"]) == ("shadow_down", "roll_back")
    assert harness.judgement.summary["by_hand"] is True
    assert harness.state.status is LaunchStatus.ACTIVE


def test_our_own_refusal_to_call_it_is_no_outage(make_harness: MakeHarness) -> None:
    harness = make_harness(MANUAL)
    results = harness.record(traffic(30, start_ms=harness.start_ms, error=1.0))
    assert all(result.outcome == "shadow_error" for result in results)
    sql = "UPDATE darklaunch.tally SET reason = 'forbidden' WHERE launch = %s AND outcome = 'shadow_error'"
    harness.connection.execute(sql, [harness.name])
    for _ in range(20):
        harness.advance(2)
    assert harness.judgement.verdict != "shadow_down"
    assert not harness.judgement.summary["outage"]


def test_a_shadow_that_rarely_responds_is_rolled_back_while_requests_are_held_back(make_harness: MakeHarness) -> None:
    harness = make_harness(MANUAL)
    hold_back(harness)
    attempts = list(traffic(60, start_ms=harness.start_ms, error=0.9, per_s=100))
    for second, attempt in enumerate(attempts):
        (result,) = harness.record([attempt])
        harness.now_ms += 1_000
        sql = "UPDATE darklaunch.result SET recorded_at = to_timestamp(%s) WHERE launch = %s AND exchange_id = %s"
        harness.connection.execute(sql, [harness.now_ms / 1000, harness.name, result.exchange_id])
        if second % 2:
            harness.judge_now()
    assert harness.judgement.summary["judged"] == 0
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    assert "gives no response to" in harness.acts[-1][1]

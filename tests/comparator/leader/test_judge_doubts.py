"""Windows with mismatches that may turn out to be noise wait, unless the rest suffices for a rollback."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness, record_doubtful
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


def set_noise_counts(harness: JudgeHarness, number: int, varied: int = 0, state: str = "learning") -> None:
    """Pretend that SEARCH's primary was asked twice for `number` exchanges, and differed at $.at in `varied`."""
    run, values = harness.connection.execute, [harness.name, SEARCH]
    run("DELETE FROM darklaunch.noise_endpoint WHERE launch = %s AND endpoint = %s", values)
    run("DELETE FROM darklaunch.noise_place WHERE launch = %s AND endpoint = %s", values)
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', %s, 0)", [*values, number])
    run(
        "INSERT INTO darklaunch.noise_place VALUES (%s, %s, 'primary', '$.at', %s, 0, 0, 0, %s, %s, 0, %s)",
        [*values, varied, number, number - varied, state],
    )


@pytest.mark.parametrize("noise", [True, False])
def test_a_launch_is_not_rolled_back_for_what_may_be_noise(make_harness: MakeHarness, noise: bool) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(seen))
    set_noise_counts(harness, 3, varied=2 if noise else 0)
    harness.advance(40)
    assert (harness.judgement.summary["judged"], harness.state.status) == (0, LaunchStatus.ACTIVE)
    set_noise_counts(harness, 49, *((40, "volatile") if noise else (0, "exceeded")))
    harness.judge_now()
    assert harness.state.status is (LaunchStatus.ACTIVE if noise else LaunchStatus.ROLLED_BACK)
    assert not noise or harness.judgement.summary["guards"][0]["failed"] == 0


def test_a_rollback_names_the_places_that_differ_more_than_noise(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    set_noise_counts(harness, 41)
    run = harness.connection.execute
    run("UPDATE darklaunch.noise_place SET path = '$.total', pos = 10 WHERE launch = %s", [harness.name])
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    (place,) = harness.events[-1].data["places"]
    assert place["what"] == (
        "$.total at GET /search differs more than its noise explains after 41 noise replays; "
        "less than 1 in 100 that this is chance"
    )
    assert harness.judgement.summary["places"] == [place]
    update_launch(harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    harness.advance(0)
    harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms + 20_000, mismatch={SEARCH: 0.5}))
    assert (harness.judgement.round_number, harness.judgement.verdict) == (2, "roll_back")
    assert harness.judgement.summary["places"] == [], "that was counted before"


@pytest.mark.parametrize(("more_pairs", "later_s"), [(50, 0), (49, 560)])
def test_doubt_ends_after_50_pairs_or_10_minutes(make_harness: MakeHarness, more_pairs: int, later_s: float) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(seen))
    set_noise_counts(harness, 49)
    harness.advance(40)
    assert not harness.judgement.summary["judged"]
    set_noise_counts(harness, more_pairs)
    harness.advance(later_s)
    assert harness.judgement.verdict == "roll_back"


def test_mismatches_beyond_doubt_roll_back_at_once(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    told = traffic(300, start_ms=harness.start_ms, error=0.3)
    record_doubtful(
        harness, SEARCH, (replace(each, mismatched=not each.error and each.endpoint == SEARCH) for each in told)
    )
    harness.advance(40)
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    assert harness.judgement.summary["leading"]["guard"] == "error"

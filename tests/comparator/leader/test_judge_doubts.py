"""Windows with mismatches that may turn out to be noise wait, unless the rest suffices for a rollback."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import JudgeMode
from darklaunch_comparator.leader.judge_windows import read_windows
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_comparator.store.noise import read_doubtful_signatures
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.judge_harness import QUICK_POLICY, JudgeHarness, MakeHarness, record_doubtful
from tests.support.judge_traffic import ENDPOINTS, traffic

SEARCH = ENDPOINTS[1]


def set_noise_counts(harness: JudgeHarness, state: str = "learning", **counts: int) -> None:
    """Pretend that SEARCH's primary was asked twice, with these counts at $.at."""
    run, values = harness.connection.execute, [harness.name, SEARCH]
    run("DELETE FROM darklaunch.noise_endpoint WHERE launch = %s AND endpoint = %s", values)
    run("DELETE FROM darklaunch.noise_place WHERE launch = %s AND endpoint = %s", values)
    run("INSERT INTO darklaunch.noise_endpoint VALUES (%s, %s, 'primary', 141, 0)", values)
    run(
        f"INSERT INTO darklaunch.noise_place (launch, endpoint, version, path, aspect, state{', '.join(['', *counts])})"
        f" VALUES (%s, %s, 'primary', '$.at', 'value', %s{', %s' * len(counts)})",
        [*values, state, *counts.values()],
    )


def record_wrong_searches(harness: JudgeHarness) -> None:
    seen = [replace(each, mismatched=each.endpoint == SEARCH) for each in traffic(300, start_ms=harness.start_ms)]
    record_doubtful(harness, SEARCH, iter(seen))


def test_a_mismatch_recorded_while_the_judge_is_reading_waits_as_any_other(make_harness: MakeHarness) -> None:
    """The doubts are read first, the windows after them: what a comparator records in between is not decided."""
    harness = make_harness()
    before = read_doubtful_signatures(harness.connection, harness.name, harness.start_ms + 30_000)
    record_wrong_searches(harness)
    window, *_ = read_windows(
        harness.connection, harness.name, harness.start_ms, harness.start_ms + 30_000, doubtful=before
    )[0]
    assert window.is_held
    assert not any(each.mismatched for each in window.without_doubtful().exchanges)
    after = read_doubtful_signatures(harness.connection, harness.name, harness.start_ms + 30_000)
    assert not after.is_new("new", harness.start_ms, SEARCH)


@pytest.mark.parametrize("noise", [True, False])
def test_a_launch_is_not_rolled_back_for_what_may_be_noise(make_harness: MakeHarness, noise: bool) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    record_wrong_searches(harness)
    set_noise_counts(harness, all_differ=1, shadow_odd=2)
    harness.advance(40)
    assert (harness.judgement.summary["judged"], harness.state.status) == (0, LaunchStatus.ACTIVE)
    set_noise_counts(harness, "volatile" if noise else "exceeded")
    harness.judge_now()
    assert harness.state.status is (LaunchStatus.ACTIVE if noise else LaunchStatus.ROLLED_BACK)
    assert not noise or harness.judgement.summary["guards"][0]["failed"] == 0


@pytest.mark.parametrize(("odd", "agains", "waits_s"), [(0, 1, 120), (40, 1, 120), (5, 0, 600)])
def test_what_stays_undecided_accuses_nobody_and_clears_nobody(
    make_harness: MakeHarness, odd: int, agains: int, waits_s: float
) -> None:
    """After a while the rest of the window is judged, without the mismatches that may be noise."""
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    record_wrong_searches(harness)
    set_noise_counts(harness, shadow_odd=odd, all_differ=agains)
    harness.advance(waits_s - 30)
    assert not harness.judgement.summary["judged"]
    harness.advance(40)
    assert harness.judgement.summary["judged"] == 300
    mismatch = harness.judgement.summary["guards"][0]
    assert (mismatch["failed"], harness.state.status) == (0, LaunchStatus.ACTIVE)
    assert mismatch["n"] < 300, "nor are they counted as matched"


def test_no_launch_is_promoted_while_a_mismatch_that_is_most_likely_no_noise_is_undecided(
    make_harness: MakeHarness,
) -> None:
    harness = make_harness()
    one = [replace(each, mismatched=number == 3) for number, each in enumerate(traffic(20, start_ms=harness.start_ms))]
    record_doubtful(harness, one[3].endpoint, iter(one))
    set_noise_counts(harness, shadow_odd=1)
    harness.connection.execute("UPDATE darklaunch.signature SET endpoint = %s", [SEARCH])
    harness.judge_traffic(traffic(3_000, start_ms=harness.start_ms + 20_000), every_s=60)
    harness.advance(700)
    assert harness.state.status is LaunchStatus.ACTIVE
    set_noise_counts(harness, "volatile")
    for _ in range(5):
        harness.advance(20)
    assert harness.state.percent > 1


def test_a_rollback_names_the_places_that_differ_more_than_noise(make_harness: MakeHarness) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.MANUAL))
    set_noise_counts(harness, shadow_odd=10)
    run = harness.connection.execute
    run("UPDATE darklaunch.noise_place SET path = '$.total' WHERE launch = %s", [harness.name])
    harness.judge_traffic(traffic(1_000, start_ms=harness.start_ms, mismatch={SEARCH: 0.5}))
    assert harness.state.status is LaunchStatus.ROLLED_BACK
    (place,) = harness.events[-1].data["places"]
    assert place["what"] == (
        "$.total at GET /search differs more often than one version does from itself (141 requests asked twice); "
        "less than 1 in 100 that this is chance"
    )
    assert harness.judgement.summary["places"] == [place]
    update_launch(harness.connection, harness.name, LaunchAct("ann", "resumed"), status=LaunchStatus.ACTIVE, hold=False)
    harness.advance(0)
    harness.judge_traffic(traffic(1_000, start_ms=harness.now_ms + 20_000, mismatch={SEARCH: 0.5}))
    assert (harness.judgement.round_number, harness.judgement.verdict) == (2, "roll_back")
    assert harness.judgement.summary["places"] == [], "that was counted before"


@pytest.mark.parametrize(("differed", "later_s"), [(10, 0), (6, 580)])
def test_doubt_ends_after_10_pairs_without_noise_or_6_within_10_minutes(
    make_harness: MakeHarness, differed: int, later_s: float
) -> None:
    harness = make_harness(replace(QUICK_POLICY, mode=JudgeMode.ADVISE))
    record_wrong_searches(harness)
    set_noise_counts(harness, shadow_odd=differed - 1)
    harness.advance(40)
    assert not harness.judgement.summary["judged"]
    set_noise_counts(harness, shadow_odd=differed)
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

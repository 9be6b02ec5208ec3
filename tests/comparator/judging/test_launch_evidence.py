"""From traffic to verdicts, without a database."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from darklaunch_comparator.judging.build_evidence import BuildEvidence
from darklaunch_comparator.judging.decision import LaunchVerdict
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.window import JudgedExchange
from darklaunch_comparator.results.latency_clock import LatencyClock

from tests.support.judge_traffic import POLICY, SEARCH, START_MS, condemned, judge, traffic


def test_a_judge_that_begins_anew_after_each_window_decides_the_same() -> None:
    kinds_of_bad: list[dict[str, Any]] = [
        {"mismatch": {SEARCH: 0.001}, "slow": 0.001},
        {"mismatch": {SEARCH: 0.01}, "factor": 1.1},
    ]
    for bad in kinds_of_bad:
        one, other = (judge(traffic(5_000, **bad), POLICY, resume=resume) for resume in (False, True))
        assert one == other
        assert one.builds["v1"].overall.latencies.by_clock[LatencyClock.HOOK].version > 1


def test_evidence_is_of_one_build_and_comes_back_with_it() -> None:
    bad = judge(traffic(1_000, mismatch={SEARCH: 0.1}), POLICY)
    first = condemned(bad)
    good = judge(traffic(2_000, start_ms=START_MS + 600_000, build="v2"), POLICY, bad)
    assert (good.current_build, good.decide(POLICY).verdict) == ("v2", LaunchVerdict.KEEP_WATCHING)
    assert judge(traffic(1_000, start_ms=START_MS + 900_000), POLICY, good).current_build == "v2", (
        "50 s may be a straggler's"
    )
    back = judge(traffic(2_000, start_ms=START_MS + 900_000), POLICY, good)
    assert back.current_build == "v1"
    assert condemned(back) == first


def test_instances_replaced_one_by_one_do_not_mix_the_evidence() -> None:
    old = traffic(3_000, mismatch={SEARCH: 0.2}, per_s=10)
    new = traffic(3_000, build="v2", per_s=10, seed=2)
    ahead = judge(itertools.islice(old, 25), POLICY)
    mixed = sorted([*old, *new], key=lambda each: each.at_ms)
    case = judge(iter(mixed), POLICY, ahead)
    assert case.current_build == "v2"
    assert case.current(POLICY).overall.n == 3_000
    assert case.current(POLICY).overall.mismatches.pos == 0


def test_answers_that_name_no_build_belong_to_the_one_that_is_meant() -> None:
    named = judge(traffic(100), POLICY)
    case = judge(traffic(100, build="", start_ms=START_MS + 60_000), POLICY, named)
    assert (case.current_build, case.current(POLICY).overall.n) == ("v1", 200)


def test_one_stall_of_the_shadow_condemns_nobody_and_three_windows_of_it_do() -> None:
    def hang(exchanges: Iterator[JudgedExchange], until_ms: int, *, error: bool) -> Iterator[JudgedExchange]:
        for each in exchanges:
            late = replace(each, slow=True, error=error, compared=not error, clock=None if error else each.clock)
            yield late if each.at_ms < until_ms else each

    start_ms = START_MS + 10_000
    for error in (False, True):
        for windows, is_condemned in ((2, False), (3, True)):
            late = hang(traffic(1_200, start_ms=start_ms), start_ms + windows * 10_000, error=error)
            case = judge(late, POLICY)
            assert (case.current(POLICY).rollback_reason is not None) is is_condemned
            assert case.decide(POLICY).verdict is not LaunchVerdict.PROMOTE


def test_what_times_out_while_the_primary_stalls_is_no_evidence() -> None:
    """Overload: the primary takes 8 s of each third request, the shadow is given up after 7 s."""

    def overload(exchanges: Iterator[JudgedExchange]) -> Iterator[JudgedExchange]:
        for nth, each in enumerate(exchanges):
            late = replace(each, compared=False, error=True, clock=None, primary_ms=8_000, stalled=True)
            yield late if nth % 3 == 0 else each

    case = judge(overload(traffic(1_000)), POLICY, resume=True)
    assert case.current(POLICY).rollback_reason is None
    assert case.decide(POLICY).verdict is LaunchVerdict.KEEP_WATCHING


def test_an_empty_window_changes_nothing() -> None:
    trial = BuildEvidence.empty(POLICY)
    assert trial.with_window([], POLICY) == trial
    assert LaunchEvidence().with_window([], POLICY, frozenset()) == LaunchEvidence()

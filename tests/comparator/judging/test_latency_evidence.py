"""Latency as evidence: by the best clock, with what nobody would act on tolerated."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from darklaunch_comparator.judging.decision import LaunchVerdict
from darklaunch_comparator.judging.policy import (
    Guard,
    LatencyWaiver,
)
from darklaunch_comparator.judging.summary import summarize_judgement
from darklaunch_comparator.judging.window import JudgedExchange
from darklaunch_comparator.results.latency_clock import LatencyClock

from tests.support.judge_traffic import ORDERS, POLICY, condemned, judge, traffic


def test_equal_sides_are_not_condemned() -> None:
    for seed in range(3):
        assert judge(traffic(10_000, seed=seed), POLICY).current(POLICY).rollback_reason is None


def test_a_shadow_whose_latency_no_clock_tells_is_not_judged() -> None:
    slower = (replace(each, clock=None) for each in traffic(5_000, factor=100))
    case = judge(slower, POLICY)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move, decision.untimed) == (LaunchVerdict.NOT_JUDGED, None, True)
    assert "latency is known by no clock" in summarize_judgement(case, decision, POLICY)["why"]


def test_latency_is_waived_by_a_person_and_every_verdict_says_so() -> None:
    waived = replace(POLICY, waive_latency=LatencyWaiver("a smaller machine", "ann"))
    case = judge(traffic(5_000, factor=100), waived)
    decision = case.decide(waived)
    assert decision.verdict is LaunchVerdict.PROMOTE
    assert summarize_judgement(case, decision, waived)["why"].endswith("latency is waived by ann: a smaller machine")


def outside(n: int, more_ms: float, *, factor: float = 1.0) -> Iterator[JudgedExchange]:
    """Generate exchanges timed by the worker alone, which adds a constant part."""
    for each in traffic(n, factor=factor):
        yield replace(each, clock=LatencyClock.WORKER, shadow_ms=each.shadow_ms + more_ms)


def test_a_shadow_timed_from_outside_is_promoted_and_what_was_allowed_for_is_said() -> None:
    case = judge(outside(6_000, 3.0), POLICY)
    decision = case.decide(POLICY)
    assert decision.verdict is LaunchVerdict.PROMOTE
    assert summarize_judgement(case, decision, POLICY)["why"].endswith("timed from outside, ± 3.1 ms")


def test_a_shadow_that_sleeps_200_ms_is_never_promoted_though_timed_from_outside() -> None:
    case = judge(outside(20_000, 200.0), POLICY)
    assert case.decide(POLICY).verdict is LaunchVerdict.ROLL_BACK
    assert condemned(case).strongest.guard is Guard.P50


def test_a_slower_shadow_timed_from_outside_is_neither_promoted_nor_accused() -> None:
    case = judge(outside(20_000, 3.0, factor=2.0), POLICY)
    assert case.decide(POLICY).verdict is LaunchVerdict.KEEP_WATCHING
    assert Guard.P50 in case.decide(POLICY).unproven


def test_a_difference_that_nobody_would_act_on_condemns_nobody_and_is_cleared() -> None:
    """A busy machine: 4.8 ms become 7.2, 50 % more."""
    fast = (
        replace(each, primary_ms=each.primary_ms / 5, shadow_ms=each.shadow_ms / 5)
        for each in traffic(6_000, factor=1.5)
    )
    case = judge(fast, POLICY)
    assert case.decide(POLICY).verdict is LaunchVerdict.PROMOTE


def test_what_the_baseline_takes_to_be_replayed_is_no_fault_of_the_shadow() -> None:
    """Both are replayed on a machine half as fast as the primary's."""

    def replayed(with_baseline: bool) -> Iterator[JudgedExchange]:
        chance = random.Random(5)
        for each in traffic(8_000, factor=2.0):
            asked = with_baseline and chance.random() < 0.1
            yield replace(each, baseline_ms=each.shadow_ms * chance.lognormvariate(0, 0.2) if asked else None)

    assert judge(replayed(with_baseline=True), POLICY).decide(POLICY).verdict is LaunchVerdict.PROMOTE
    assert judge(replayed(with_baseline=False), POLICY).decide(POLICY).verdict is LaunchVerdict.ROLL_BACK


def by_baseline(n: int, *, factor: float = 1.0) -> Iterator[JudgedExchange]:
    """Generate exchanges of which the baseline timed three in ten, and the worker alone the others."""
    chance = random.Random(7)
    for each in traffic(n, factor=factor):
        clock = LatencyClock.BASELINE if chance.random() < 0.3 else LatencyClock.WORKER
        yield replace(each, clock=clock)


def test_a_shadow_without_the_hook_is_timed_against_the_baseline() -> None:
    case = judge(by_baseline(6_000), POLICY)
    decision = case.decide(POLICY)
    assert decision.verdict is LaunchVerdict.PROMOTE
    assert summarize_judgement(case, decision, POLICY)["why"].endswith("timed by the worker against the baseline")
    assert condemned(judge(by_baseline(9_000, factor=1.6), POLICY)).strongest.clock == "baseline"


def test_a_slower_endpoint_is_told_with_both_latencies_and_its_share() -> None:
    """Of three endpoints, one takes 51 ms instead of 0.3."""

    def invoices() -> Iterator[JudgedExchange]:
        for each in traffic(5_000):
            slow = each.endpoint == ORDERS
            yield replace(each, primary_ms=0.3, shadow_ms=51.0 if slow else 0.3)

    case = judge(invoices(), POLICY)
    strongest = condemned(case).strongest
    assert strongest.endpoint == ORDERS
    why = summarize_judgement(case, case.decide(POLICY), POLICY)["why"]
    assert why.startswith(
        "GET /orders/{id} is slower: p50 0.3 → 51 ms, in 100 % of requests (timed by the hook in both)"
    )


def stall(exchanges: Iterator[JudgedExchange], seed: int, share: float, *, both: bool) -> Iterator[JudgedExchange]:
    """Delay a share of the requests in every third window by more than is allowed, on the shadow's side or either."""
    chance = random.Random(seed)
    for each in exchanges:
        is_delayed = each.at_ms // 10_000 % 3 == 0 and chance.random() < share
        of_primary = both and chance.random() < 0.5
        yield replace(each, slow=is_delayed and not of_primary, stalled=is_delayed and of_primary)


@pytest.mark.parametrize("share", [0.03, 0.2, 0.9])
def test_a_machine_that_stalls_both_versions_condemns_neither(share: float) -> None:
    for seed in range(3):
        case = judge(stall(traffic(2_000, seed=seed, per_s=12), seed, share, both=True), POLICY)
        assert case.current(POLICY).rollback_reason is None
        case = judge(stall(traffic(2_000, seed=seed, per_s=12), seed, share, both=False), POLICY)
        assert case.current(POLICY).rollback_reason is not None

"""From traffic to verdicts, without a database."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from darklaunch_comparator.judging.build_evidence import BuildEvidence
from darklaunch_comparator.judging.decision import JudgeMove, LaunchVerdict
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import (
    FailureBudgets,
    Guard,
    GuardWeights,
    JudgeMode,
    JudgePolicy,
    LatencyWaiver,
    RampStep,
)
from darklaunch_comparator.judging.summary import summarize_judgement
from darklaunch_comparator.judging.window import JudgedExchange, split_into_blocks
from darklaunch_comparator.results.latency_clock import LatencyClock
from hypothesis import given
from hypothesis import strategies as st

from tests.support.judge_traffic import ENDPOINTS, START_MS, judge, traffic

POLICY = JudgePolicy(soak_s=10)
ORDERS, SEARCH, CART = ENDPOINTS


def condemned(case: LaunchEvidence, policy: JudgePolicy = POLICY):
    trial = case.current(policy)
    assert trial.rollback_reason is not None
    assert case.decide(policy).verdict is LaunchVerdict.ROLL_BACK
    return trial.rollback_reason


def test_a_clean_launch_is_promoted_when_enough_was_seen() -> None:
    assert judge(traffic(4_580), POLICY).decide(POLICY).verdict is LaunchVerdict.KEEP_WATCHING
    case = judge(traffic(4_800), POLICY)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move, decision.needed) == (LaunchVerdict.PROMOTE, JudgeMove.PROMOTE, 0)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert why.startswith(
        "all checks pass after 4,800 exchanges; 3 of 3 endpoints judged; latency p50 20 → 20 ms, p95 "
    )
    assert why.endswith(", timed by the hook in both")


def test_nothing_seen_neither_promotes_nor_rolls_back() -> None:
    decision = LaunchEvidence().decide(POLICY)
    assert (decision.verdict, decision.move, decision.needed) == (LaunchVerdict.INSUFFICIENT_TRAFFIC, None, 4600)


def test_a_promotion_waits_for_the_soak() -> None:
    case = judge(traffic(6_000, per_s=500), POLICY)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move, decision.needed, decision.soak_ms) == (
        LaunchVerdict.KEEP_WATCHING, None, 0, 20_000,
    )  # fmt: skip


def test_nothing_is_condemned_before_20_exchanges() -> None:
    assert judge(traffic(19, per_s=1, error=1.0), POLICY).current(POLICY).rollback_reason is None
    assert condemned(judge(traffic(30, per_s=1, error=1.0), POLICY)).n == 20


def test_the_strongest_evidence_is_kept() -> None:
    trial, strongest = BuildEvidence.empty(POLICY), 0.0
    for _, window in itertools.groupby(traffic(2_000, mismatch={SEARCH: 0.004}), key=lambda each: each.at_ms // 10_000):
        trial = trial.with_window(list(window), POLICY)
        strongest = max(strongest, trial.rollback_log_e(POLICY))
        assert trial.peak_log_e == strongest
    assert strongest > trial.rollback_log_e(POLICY)


def test_one_bad_endpoint_is_named_and_no_other() -> None:
    case = judge(traffic(5_000, mismatch={SEARCH: 0.05}), POLICY)
    found = condemned(case)
    assert found.n < 600
    assert (found.strongest.guard, found.strongest.endpoint) == (Guard.MISMATCH, SEARCH)
    for start_ms in range(START_MS + 600_000, START_MS + 900_000, 10_000):
        case = judge(traffic(200, start_ms=start_ms, seed=start_ms, mismatch={SEARCH: 0.05}), POLICY, case)
    assert [each.endpoint for each in condemned(case).blamed_endpoints] == [SEARCH]
    assert replace(condemned(case), blamed_endpoints=()) == replace(found, blamed_endpoints=())


@pytest.mark.parametrize(
    ("bad", "guards"),
    [
        ({"error": 0.02}, {Guard.ERROR}),
        ({"slow": 0.02}, {Guard.SLOW}),
        ({"factor": 1.3}, {Guard.P50, Guard.P95, Guard.P99}),
        ({"tail": 1.5}, {Guard.P95, Guard.P99}),
    ],
)
def test_what_is_wrong_with_a_shadow_is_told(bad: dict[str, Any], guards: set[Guard]) -> None:
    assert condemned(judge(traffic(20_000, **bad), POLICY)).strongest.guard in guards


def test_equal_sides_are_not_condemned() -> None:
    for seed in range(3):
        assert judge(traffic(10_000, seed=seed), POLICY).current(POLICY).rollback_reason is None


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


def test_an_endpoint_with_much_traffic_and_too_little_evidence_stands_in_the_way() -> None:
    rare = traffic(300, endpoints=("GET /rare",), per_s=1.25, seed=3)
    case = judge(iter(sorted([*traffic(4_800), *rare], key=lambda each: each.at_ms)), POLICY)
    decision = case.decide(POLICY)
    assert decision.verdict is LaunchVerdict.INSUFFICIENT_TRAFFIC
    assert [each.endpoint for each in decision.blocking] == ["GET /rare"]
    assert decision.blocking[0].needed + 300 == 439
    told = replace(POLICY, unjudged=("GET /rare",))
    assert case.decide(told).verdict is LaunchVerdict.PROMOTE
    assert [each.endpoint for each in case.decide(told).uncovered] == ["GET /rare"]


def test_one_early_mismatch_asks_for_more_exchanges() -> None:
    case = judge(traffic(400), POLICY)
    first = next(traffic(1, start_ms=START_MS + 100_000))
    one = case.with_window([replace(first, mismatched=True)], POLICY, frozenset(case.builds))
    assert case.decide(POLICY).needed == 4_200
    assert 6_500 < one.decide(POLICY).needed < 7_500


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


def test_an_endpoint_compared_by_shape_for_the_most_part_is_not_judged() -> None:
    def blind(share: float) -> Iterator[JudgedExchange]:
        for each in traffic(4_800):
            yield replace(each, compared_share=share) if each.endpoint == SEARCH else each

    case = judge(blind(0.3), POLICY)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move) == (LaunchVerdict.NOT_JUDGED, None)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert why == "GET /search (33 % of the traffic) is compared by value in 30 % of what its responses hold"
    assert judge(blind(0.6), POLICY).decide(POLICY).verdict is LaunchVerdict.PROMOTE
    told = replace(POLICY, unjudged=(SEARCH,))
    assert case.decide(told).verdict is LaunchVerdict.PROMOTE


def test_an_endpoint_that_cannot_be_compared_is_not_judged() -> None:
    def unverified() -> Iterator[JudgedExchange]:
        for each in traffic(4_800):
            yield replace(each, compared=each.endpoint != SEARCH)

    assert judge(unverified(), POLICY).decide(POLICY).verdict is LaunchVerdict.NOT_JUDGED


def test_an_endpoint_whose_requests_lack_their_credentials_is_not_judged_and_says_so() -> None:
    def refused(share: float) -> Iterator[JudgedExchange]:
        for number, each in enumerate(traffic(4_800)):
            is_refused = each.endpoint == SEARCH and number % 10 < 10 * share
            yield replace(each, compared=False, refused=True, clock=None) if is_refused else each

    case = judge(refused(1.0), POLICY, resume=True)
    decision = case.decide(POLICY)
    assert (decision.verdict, decision.move) == (LaunchVerdict.NOT_JUDGED, None)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert why == (
        "GET /search (33 % of the traffic) is refused by the shadow in 100 % of its requests, which come without the "
        "users' credentials: send them along (--seal)"
    )
    assert judge(refused(0.2), POLICY).decide(POLICY).verdict is LaunchVerdict.PROMOTE


def test_what_is_on_course_for_a_rollback_is_said_and_nothing_else() -> None:
    case = judge(traffic(11, mismatch=dict.fromkeys(ENDPOINTS, 1.0)), POLICY)
    decision = case.decide(POLICY)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert decision.verdict is LaunchVerdict.KEEP_WATCHING
    assert why.startswith("on course for roll back: ")
    assert "more" not in why
    assert "(budget 0.1 %), since " in why


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


def test_an_automatic_ramp_takes_one_step_after_another() -> None:
    policy = JudgePolicy(
        mode=JudgeMode.AUTO,
        soak_s=20,
        steps=(RampStep(1, 0.05, 100), RampStep(50, 0.01, 400), RampStep(100, 0.001, 100)),
    )
    case, now_ms = LaunchEvidence(), START_MS
    taken: list[tuple[int, int]] = []
    for step in range(3):
        for start_ms in itertools.count(now_ms, 10_000):
            case = judge(traffic(200, start_ms=start_ms, seed=start_ms), policy, case)
            if case.decide(policy).move:
                now_ms = start_ms + 10_000
                break
        taken.append((step, case.current(policy).overall.n))
        if step < 2:
            assert case.decide(policy).move is JudgeMove.RAISE
            case = case.at_step(step + 1, now_ms, policy)
    assert case.decide(policy).move is JudgeMove.PROMOTE
    assert taken == [(0, 400), (1, 800), (2, 4_600)]


def test_a_step_waits_for_its_minimum() -> None:
    policy = JudgePolicy(mode=JudgeMode.AUTO, soak_s=0, steps=(RampStep(1, 0.05, 1_000), RampStep(100, 0.001, 100)))
    decision = judge(traffic(800), policy).decide(policy)
    assert (decision.unproven, decision.soak_ms, decision.move) == ((), 0, None)
    assert judge(traffic(1_000), policy).decide(policy).move is JudgeMove.RAISE


@pytest.mark.parametrize(
    ("mode", "promote_by_hand", "by_hand"),
    [
        (JudgeMode.AUTO, False, False),
        (JudgeMode.AUTO, True, True),
        (JudgeMode.MANUAL, False, True),
        (JudgeMode.ADVISE, False, True),
    ],
)
def test_who_promotes(mode: JudgeMode, promote_by_hand: bool, by_hand: bool) -> None:
    policy = JudgePolicy(mode=mode, soak_s=0, promote_by_hand=promote_by_hand, steps=(RampStep(100, 0.01, 100),))
    policy = replace(policy, budgets=FailureBudgets(0.01, 0.01, 0.01), endpoint_bound=0.05)
    case = judge(traffic(600), policy)
    for decision in (replace(case, progress=replace(case.progress, ready=False)).decide(policy), case.decide(policy)):
        assert (decision.move, decision.by_hand) == (JudgeMove.PROMOTE, by_hand)


def test_a_step_that_a_person_takes_is_waited_for_and_a_breach_meanwhile_rolls_back() -> None:
    policy = JudgePolicy(
        mode=JudgeMode.AUTO, soak_s=10, steps=(RampStep(1, 0.05, 100), RampStep(100, 0.001, 100, by_hand=True))
    )
    case = judge(traffic(400), policy)
    assert (case.decide(policy).move, case.decide(policy).by_hand) == (JudgeMove.RAISE, True)
    case = judge(traffic(1_000, start_ms=START_MS + 60_000, mismatch={CART: 0.2}), policy, case)
    assert case.decide(policy).move is JudgeMove.ROLL_BACK


def test_what_was_shown_stays_shown_until_the_launch_is_condemned() -> None:
    case = judge(traffic(4_800), POLICY)
    case = judge(traffic(40, start_ms=START_MS + 600_000, mismatch={CART: 0.1}), POLICY, case)
    assert case.current(POLICY).overall.mismatches.pos > 0
    assert case.decide(POLICY).verdict is LaunchVerdict.PROMOTE
    case = judge(traffic(4_000, start_ms=START_MS + 700_000, mismatch={CART: 0.1}), POLICY, case)
    assert case.decide(POLICY).verdict is LaunchVerdict.ROLL_BACK


def test_clearing_block_by_block_takes_longer() -> None:
    policy = replace(POLICY, strict=True, budgets=FailureBudgets(0.2, 0.2, 0.2), coverage_share=1.0)
    assert judge(traffic(4_800), replace(policy, strict=False)).decide(policy).verdict is LaunchVerdict.PROMOTE
    assert judge(traffic(400), policy).decide(policy).unproven
    assert not judge(traffic(6_000, per_s=100), policy).decide(policy).unproven


def test_weights_budgets_and_tolerance_count() -> None:
    bad: dict[str, Any] = {"slow": 0.02}
    deaf = replace(POLICY, weights=GuardWeights(mismatch=1, error=0, slow=0, p50=0, p95=0, p99=0))
    assert judge(traffic(5_000, **bad), deaf).current(deaf).rollback_reason is None
    lenient = replace(POLICY, budgets=FailureBudgets(slow=0.05))
    assert judge(traffic(5_000, **bad), lenient).current(lenient).rollback_reason is None
    patient = replace(POLICY, latency_tolerance=1.6)
    assert judge(traffic(5_000, factor=1.5), patient).current(patient).rollback_reason is None
    condemned(judge(traffic(5_000, factor=1.5), POLICY))


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


def test_endpoints_found_at_once_share_alike_and_later_ones_get_the_rest() -> None:
    case = judge(traffic(300), POLICY)
    case = judge(traffic(50, start_ms=START_MS + 60_000, endpoints=("GET /late",)), POLICY, case)
    weights = {name: scope.weight for name, scope in case.current(POLICY).endpoints}
    assert [weights[name] for name in ENDPOINTS] == [0.25] * 3
    assert weights["GET /late"] == 1 / 20
    assert math.isclose(sum(weights.values()), 0.8)


@given(st.lists(st.integers(), max_size=450))
def test_blocks_hold_everything_in_order_and_are_equal_in_size(seen: list[int]) -> None:
    cut = list(split_into_blocks(seen))
    assert [each for block in cut for each in block] == seen
    sizes = {len(block) for block in cut}
    assert not sizes or (max(sizes) <= 100 and max(sizes) - min(sizes) <= 1)


def test_an_empty_window_changes_nothing() -> None:
    trial = BuildEvidence.empty(POLICY)
    assert trial.with_window([], POLICY) == trial
    assert LaunchEvidence().with_window([], POLICY, frozenset()) == LaunchEvidence()

"""Decisions about a build: when it is promoted, raised or watched on."""

import itertools
from dataclasses import replace

import pytest
from darklaunch_comparator.judging.decision import JudgeMove, LaunchVerdict
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import (
    FailureBudgets,
    JudgeMode,
    JudgePolicy,
    RampStep,
)
from darklaunch_comparator.judging.summary import summarize_judgement

from tests.support.judge_traffic import ENDPOINTS, START_MS, judge, traffic

POLICY = JudgePolicy(soak_s=10)


ORDERS, SEARCH, CART = ENDPOINTS


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


def test_one_early_mismatch_asks_for_more_exchanges() -> None:
    case = judge(traffic(400), POLICY)
    first = next(traffic(1, start_ms=START_MS + 100_000))
    one = case.with_window([replace(first, mismatched=True)], POLICY, frozenset(case.builds))
    assert case.decide(POLICY).needed == 4_200
    assert 6_500 < one.decide(POLICY).needed < 7_500


def test_what_is_on_course_for_a_rollback_is_said_and_nothing_else() -> None:
    case = judge(traffic(11, mismatch=dict.fromkeys(ENDPOINTS, 1.0)), POLICY)
    decision = case.decide(POLICY)
    why = summarize_judgement(case, decision, POLICY)["why"]
    assert decision.verdict is LaunchVerdict.KEEP_WATCHING
    assert why.startswith("on course for roll back: ")
    assert "more" not in why
    assert "(budget 0.1 %), since " in why


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


def test_clearing_block_by_block_takes_longer() -> None:
    policy = replace(POLICY, strict=True, budgets=FailureBudgets(0.2, 0.2, 0.2), coverage_share=1.0)
    assert judge(traffic(4_800), replace(policy, strict=False)).decide(policy).verdict is LaunchVerdict.PROMOTE
    assert judge(traffic(400), policy).decide(policy).unproven
    assert not judge(traffic(6_000, per_s=100), policy).decide(policy).unproven

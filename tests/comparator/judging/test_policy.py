"""What follows from a policy: bounds at each step, who is judged, and how many exchanges it takes."""

from dataclasses import replace

import pytest
from darklaunch_comparator.judging.policy import (
    RATE_GUARDS,
    FailureBudgets,
    Guard,
    GuardWeights,
    JudgePolicy,
    LatencyWaiver,
    RampStep,
)

POLICY = JudgePolicy()


def test_a_bound_is_the_steps_or_the_budget_if_that_is_larger() -> None:
    assert POLICY.bounds(Guard.MISMATCH) == (0.05, 0.01, 0.005, 0.001)
    generous = replace(POLICY, budgets=FailureBudgets(mismatch=0.02))
    assert generous.bounds(Guard.MISMATCH) == (0.05, 0.02, 0.02, 0.02)
    assert generous.bounds(Guard.ERROR) == POLICY.bounds(Guard.ERROR)
    assert generous.tightest_bound == 0.001


@pytest.mark.parametrize(("percent", "step"), [(0, 0), (1, 0), (9.9, 0), (10, 1), (99, 2), (100, 3)])
def test_a_share_has_reached_the_highest_step_below_it(percent: float, step: int) -> None:
    assert POLICY.step_at(percent) == step


def test_a_guard_without_weight_is_not_judged_and_waived_latency_neither() -> None:
    assert set(POLICY.judged_guards) == set(Guard)
    assert POLICY.judged_guards == tuple(Guard)
    waived = replace(POLICY, waive_latency=LatencyWaiver("too noisy", "ann"))
    assert waived.judged_guards == RATE_GUARDS and not waived.judges_latency
    weightless = replace(POLICY, weights=GuardWeights(mismatch=0.5, slow=0.0))
    assert Guard.SLOW not in weightless.judged_guards


def test_the_exchanges_needed_are_those_of_the_proof_or_of_all_steps_if_that_is_more() -> None:
    assert POLICY.clean_exchanges == POLICY.total_minimum == 4600
    strict = replace(POLICY, steps=(RampStep(100, 0.0001, 10),), budgets=FailureBudgets(0.0001, 0.0001, 0.0001))
    assert strict.total_minimum == 10
    assert strict.clean_exchanges > 40_000


def test_the_soak_is_that_of_every_step() -> None:
    assert POLICY.total_soak_s == 4 * 300


def test_weights_sum_to_one() -> None:
    assert sum(POLICY.weights.of(guard) for guard in Guard) == pytest.approx(1)
    with pytest.raises(KeyError):
        POLICY.budgets.of(Guard.P50)

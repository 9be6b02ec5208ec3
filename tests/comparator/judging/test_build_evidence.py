"""Evidence about one build: what rolls it back, and who is named."""

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from darklaunch_comparator.judging.build_evidence import BuildEvidence
from darklaunch_comparator.judging.decision import LaunchVerdict
from darklaunch_comparator.judging.policy import (
    FailureBudgets,
    Guard,
    GuardWeights,
)

from tests.support.judge_traffic import CART, ENDPOINTS, POLICY, SEARCH, START_MS, condemned, judge, traffic


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


def test_what_was_shown_stays_shown_until_the_launch_is_condemned() -> None:
    case = judge(traffic(4_800), POLICY)
    case = judge(traffic(40, start_ms=START_MS + 600_000, mismatch={CART: 0.1}), POLICY, case)
    assert case.current(POLICY).overall.mismatches.pos > 0
    assert case.decide(POLICY).verdict is LaunchVerdict.PROMOTE
    case = judge(traffic(4_000, start_ms=START_MS + 700_000, mismatch={CART: 0.1}), POLICY, case)
    assert case.decide(POLICY).verdict is LaunchVerdict.ROLL_BACK


def test_weights_budgets_and_tolerance_count() -> None:
    bad: dict[str, Any] = {"slow": 0.02}
    deaf = replace(POLICY, weights=GuardWeights(mismatch=1, error=0, slow=0, p50=0, p95=0, p99=0))
    assert judge(traffic(5_000, **bad), deaf).current(deaf).rollback_reason is None
    lenient = replace(POLICY, budgets=FailureBudgets(slow=0.05))
    assert judge(traffic(5_000, **bad), lenient).current(lenient).rollback_reason is None
    patient = replace(POLICY, latency_tolerance=1.6)
    assert judge(traffic(5_000, factor=1.5), patient).current(patient).rollback_reason is None
    condemned(judge(traffic(5_000, factor=1.5), POLICY))


def test_endpoints_found_at_once_share_alike_and_later_ones_get_the_rest() -> None:
    case = judge(traffic(300), POLICY)
    case = judge(traffic(50, start_ms=START_MS + 60_000, endpoints=("GET /late",)), POLICY, case)
    weights = {name: scope.weight for name, scope in case.current(POLICY).endpoints}
    assert [weights[name] for name in ENDPOINTS] == [0.25] * 3
    assert weights["GET /late"] == 1 / 20
    assert math.isclose(sum(weights.values()), 0.8)

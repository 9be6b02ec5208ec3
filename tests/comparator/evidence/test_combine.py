"""Averages of evidence, thresholds, and who is to blame."""

import math

import pytest
from darklaunch_comparator.evidence import (
    discovery_weight,
    log_threshold,
    reject_by_e_bh,
    weighted_average,
)
from hypothesis import given
from hypothesis import strategies as st

LOGS = st.one_of(st.floats(-800, 800), st.sampled_from([-math.inf, math.inf]))


@given(st.lists(st.tuples(st.floats(0, 0.05), LOGS), max_size=20))
def test_an_average_lies_between_its_parts(parts: list[tuple[float, float]]) -> None:
    average = weighted_average(parts)
    present = [log for weight, log in parts if weight > 0]
    assert min([0.0, *present]) - 1e-9 <= average <= max([0.0, *present]) + 1e-9
    assert weighted_average(reversed(parts)) == pytest.approx(average)


def test_an_average_in_plain_numbers() -> None:
    assert weighted_average([]) == 0
    assert weighted_average([(0.5, math.log(10)), (0.25, math.log(4))]) == pytest.approx(math.log(5 + 1 + 0.25))
    assert weighted_average([(0.35, math.inf), (0.65, -math.inf)]) == math.inf
    assert weighted_average([(1.0, -math.inf)]) == -math.inf
    assert weighted_average([(0.5, -math.inf)]) == pytest.approx(math.log(0.5))
    assert weighted_average([(1e-9, 1000.0)]) == pytest.approx(1000 + math.log(1e-9)), "no overflow"
    assert weighted_average([(0.1, 0.0)] * 10) == pytest.approx(0), "weights that sum to 1 up to rounding"


@pytest.mark.parametrize("weights", [[0.7, 0.4], [-0.1, 0.5], [math.nan]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="at most 1"):
        weighted_average([(weight, 0.0) for weight in weights])


def test_endpoints_found_later_never_exceed_the_whole() -> None:
    weights = [discovery_weight(j) for j in range(1, 1001)]
    assert weights[:3] == [1 / 2, 1 / 6, 1 / 12]
    assert math.fsum(weights) == pytest.approx(1 - 1 / 1001)
    with pytest.raises(ValueError, match="from 1 on"):
        discovery_weight(0)


def test_blame_names_the_guilty_strongest_first() -> None:
    evidence = {"GET /a": math.log(50), "GET /b": math.log(30), "GET /c": math.log(1.2), "GET /d": -3.0}
    assert reject_by_e_bh(evidence, 0.05) == (), "50 is less than 4 · 20, and twice 30 less than 80"
    assert reject_by_e_bh(evidence | {"GET /b": math.log(45)}, 0.05) == ("GET /a", "GET /b"), "together they are enough"
    assert reject_by_e_bh({"GET /a": math.log(20)}, 0.05) == ("GET /a",)
    assert reject_by_e_bh({"GET /a": math.inf, "GET /b": -math.inf}, 0.05) == ("GET /a",)
    assert reject_by_e_bh({}, 0.05) == ()


@given(st.dictionaries(st.integers(), LOGS, max_size=30), st.floats(0.001, 1))
def test_blame_is_self_consistent(evidence: dict[int, float], alpha: float) -> None:
    """Each of the k named has an e-value of at least K/(k·α), and adding all of another size would not be."""
    named = reject_by_e_bh(evidence, alpha)
    assert len(set(named)) == len(named)
    logs = sorted(evidence.values(), reverse=True)
    assert [evidence[name] for name in named] == logs[: len(named)]

    def enough(k: int) -> bool:
        return logs[k - 1] + math.log(k) >= math.log(len(logs)) - math.log(alpha)

    assert not named or enough(len(named))
    assert not any(enough(k) for k in range(len(named) + 1, len(logs) + 1))


def test_thresholds() -> None:
    assert log_threshold(0.05) == pytest.approx(2.995732274)
    for alpha in (0.0, -1.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="above 0"):
            log_threshold(alpha)

"""Averages, blame, rates and what is still needed."""

import math

import pytest
from darklaunch_comparator.evidence import (
    OutcomeCounts,
    above,
    below,
    clean_exchanges_needed,
    confidence_sequence,
    discovery_weight,
    log_e,
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


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(10, 1000, 0.0024064683, 0.0261644304), (100, 10000, 0.0065584761, 0.0144620670)],
)
def test_known_confidence_sequences(hits: int, n: int, low: float, high: float) -> None:
    found = confidence_sequence(hits, n, 0.05)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.floats(1e-6, 0.5))
def test_a_confidence_sequence_holds_the_rate_and_narrows_with_doubt(hits: int, others: int, alpha: float) -> None:
    n = hits + others
    found = confidence_sequence(hits, n, alpha)
    assert 0 <= found.low <= found.high <= 1
    if n:
        assert found.low <= hits / n <= found.high
    wider = confidence_sequence(hits, n, alpha / 10)
    assert wider.low <= found.low
    assert found.high <= wider.high
    mirrored = confidence_sequence(others, n, alpha)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-6)


def test_a_confidence_sequence_at_the_edges() -> None:
    nothing, none, all_of_them = (confidence_sequence(*seen) for seen in ((0, 0), (0, 50), (50, 50)))
    assert (nothing.low, nothing.high) == (0, 1)
    assert none.low == 0
    assert none.high < 0.15
    assert all_of_them.high == 1
    for impossible in ((2, 1, 0.05), (-1, 1, 0.05), (1, 2, 0.0)):
        with pytest.raises(ValueError, match="must hold"):
            confidence_sequence(*impossible)


def test_what_is_still_needed() -> None:
    bar = log_threshold(0.05)
    assert clean_exchanges_needed(below(0.001), OutcomeCounts(), bar) == 4409
    assert clean_exchanges_needed(below(0.01), OutcomeCounts(), bar) == 439
    assert clean_exchanges_needed(below(0.001), OutcomeCounts(1, 0, 1), bar) == 7446
    assert clean_exchanges_needed(below(0.001), OutcomeCounts(n=5000), bar) == 0
    assert clean_exchanges_needed(below(0.0, -1), OutcomeCounts(n=10), bar) is None
    assert clean_exchanges_needed(below(1e-300), OutcomeCounts(), bar) == 2**60, "never, in other words"
    with pytest.raises(ValueError, match="no evidence for a mean above"):
        clean_exchanges_needed(above(0.001), OutcomeCounts(), bar)


@given(st.floats(1e-6, 0.3), st.integers(0, 50), st.integers(0, 5000), st.floats(0.0001, 0.5))
def test_the_needed_number_is_the_smallest_that_does(m: float, pos: int, zero: int, alpha: float) -> None:
    bet, counts, bar = below(m), OutcomeCounts(pos, 0, pos + zero), log_threshold(alpha)
    more = clean_exchanges_needed(bet, counts, bar)
    assert more is not None
    assert log_e(bet, counts + OutcomeCounts(n=more)) >= bar
    assert more == 0 or log_e(bet, counts + OutcomeCounts(n=more - 1)) < bar


def test_thresholds() -> None:
    assert log_threshold(0.05) == pytest.approx(2.995732274)
    for alpha in (0.0, -1.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="above 0"):
            log_threshold(alpha)

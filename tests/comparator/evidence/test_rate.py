"""Bounds of a rate that hold at every look."""

import pytest
from darklaunch_comparator.evidence import (
    confidence_sequence,
)
from hypothesis import given
from hypothesis import strategies as st


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

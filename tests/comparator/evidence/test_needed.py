"""How many exchanges without a failure are still needed."""

import pytest
from darklaunch_comparator.evidence import (
    OutcomeCounts,
    above,
    below,
    clean_exchanges_needed,
    log_e,
    log_threshold,
)
from hypothesis import given
from hypothesis import strategies as st


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

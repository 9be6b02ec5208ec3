"""Windows of exchanges, split into blocks."""

from darklaunch_comparator.judging.window import split_into_blocks
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(), max_size=450))
def test_blocks_hold_everything_in_order_and_are_equal_in_size(seen: list[int]) -> None:
    cut = list(split_into_blocks(seen))
    assert [each for block in cut for each in block] == seen
    sizes = {len(block) for block in cut}
    assert not sizes or (max(sizes) <= 100 and max(sizes) - min(sizes) <= 1)

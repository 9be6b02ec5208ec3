"""Who is sampled: shares, nesting, and keys that stay in."""

from __future__ import annotations

import pytest
from darklaunch.capture.sampling import compute_position, find_sticky_key
from darklaunch_shared.launch.sticky import StickyKey
from hypothesis import given
from hypothesis import strategies as st


@given(key=st.text(), low=st.floats(0, 1), high=st.floats(0, 1))
def test_raising_the_share_keeps_everyone_in(key, low, high) -> None:
    low, high = sorted((low, high))
    at = compute_position("checkout", key)
    assert 0 <= at < 1
    assert not at < low or at < high


def test_a_share_of_keys_is_that_share_and_differs_between_launches() -> None:
    keys = [f"user-{number}" for number in range(20_000)]
    one = {key for key in keys if compute_position("one", key) < 0.1}
    two = {key for key in keys if compute_position("two", key) < 0.1}
    assert 1_750 < len(one) < 2_250  # 2,000 expected, standard deviation 42
    assert 120 < len(one & two) < 280  # 200 expected when the two are independent


@pytest.mark.parametrize(
    ("sticky", "cookie", "key"),
    [
        (StickyKey("cookie", "s"), "s=a=b; t=1", "a=b"),
        (StickyKey("cookie", "s"), "xs=1;s=2", "2"),
        (StickyKey("cookie", "s"), "s=; s = ", ""),
        (StickyKey("cookie", "s"), "", ""),
        (StickyKey("cookie", "S"), "s=1", ""),
    ],
)
def test_cookies_are_found_by_exact_name(sticky, cookie, key) -> None:
    assert find_sticky_key(sticky, (("cookie", cookie),), "") == key

"""How many places a body has, and how many of them were compared by value."""

import json

import pytest
from darklaunch_comparator.compare import KnownNoise, NoiseAspect, compare
from hypothesis import given
from hypothesis import strategies as st

from tests.support.comparisons import build_side, compare_bodies

Document = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=5), parts, max_size=4),
    max_leaves=20,
)
VOLATILE = KnownNoise(volatile=frozenset({("$.id", NoiseAspect.VALUE)}))


def count_leaves(part: object) -> int:
    if isinstance(part, dict | list) and part:
        return sum(count_leaves(child) for child in (part.values() if isinstance(part, dict) else part))
    return 1


@given(Document)
def test_every_leaf_is_counted_and_nothing_in_a_string(part: object) -> None:
    primary, shadow = json.dumps({"id": 1, "rest": part}), json.dumps({"id": 2, "rest": part})
    found = compare("GET", build_side(primary), build_side(shadow), noise=VOLATILE)
    assert found.total_places == 1 + count_leaves(part)
    assert found.compared_places == count_leaves(part)


@pytest.mark.parametrize(
    ("primary", "shadow"), [('{"n": 1}', '{"n": 1}'), ('{"n": 1}', '{"n": 2}'), ('{"n": 1}', '{"n": 1.0}')]
)
def test_nothing_is_counted_where_all_is_compared_by_value(primary: str, shadow: str) -> None:
    found = compare_bodies(primary, shadow)
    assert (found.compared_places, found.total_places, found.compared_share) == (0, 0, 1.0)


def test_a_generated_id_is_compared_by_shape_only() -> None:
    found = compare_bodies(
        '{"id": "507f1f77bcf86cd799439011", "n": 1, "tags": []}',
        '{"id": "60c72b2f9b1d8e5a4c3f2e1d", "n": 1, "tags": []}',
    )
    assert (found.compared_places, found.total_places) == (2, 3)
    assert found.compared_share == pytest.approx(2 / 3)


def test_a_body_that_is_noise_as_a_whole_was_not_compared() -> None:
    noise = KnownNoise(volatile=frozenset({("$", NoiseAspect.VALUE)}))
    found = compare("GET", build_side("1"), build_side("2"), noise=noise)
    assert (found.compared_share, found.total_places) == (0.0, 1)

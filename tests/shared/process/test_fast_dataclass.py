"""Immutable classes: equal by value, usable as keys, without room for more than their fields."""

import pytest
from darklaunch_shared.process.fast_dataclass import immutable


@immutable
class Pair:
    """Two values, the second of them optional."""

    first: int
    second: tuple[str, ...] = ()


def test_equal_values_are_equal_and_one_key() -> None:
    assert Pair(1, ("a",)) == Pair(1, ("a",)) != Pair(2)
    assert len({Pair(1), Pair(1), Pair(2)}) == 2


def test_an_attribute_that_is_no_field_is_refused() -> None:
    with pytest.raises(AttributeError):
        Pair(1).third = 3  # type: ignore[attr-defined]

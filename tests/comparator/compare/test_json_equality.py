"""Which parts of two documents need no walk."""

from darklaunch_comparator.compare.json_equality import (
    find_differences,
    find_differences_and_booleans,
    find_only_difference,
)
from darklaunch_comparator.compare.model import Json


def test_rows_are_compared_position_by_position() -> None:
    primary: list[Json] = [1, "a", [1, 2], {"k": 1}]
    shadow: list[Json] = [1, "b", [1, 3], {"k": 1.0}]
    assert find_differences(primary, shadow) == [1, 2]
    assert find_only_difference([1, 2, 3], [1, 2, 4]) == [2]
    assert find_only_difference([1], [1]) == []


def test_a_boolean_is_not_the_number_that_python_takes_it_for() -> None:
    assert find_differences_and_booleans([True, 0, [1], {"k": [False]}], [1, False, [True], {"k": [0]}]) == [0, 1, 2, 3]
    assert find_differences_and_booleans([True, {"a": 1, "b": 2}], [True, {"b": 2, "a": 1}]) == []


def test_nesting_too_deep_for_python_counts_as_a_difference_and_raises_nothing() -> None:
    primary: list[object] = []
    shadow: list[object] = [1]
    for _ in range(100_000):
        primary, shadow = [primary], [shadow]
    assert find_differences([primary], [shadow]) == [0]  # type: ignore[list-item]
    assert find_only_difference([primary], [shadow]) == [0]  # type: ignore[list-item]

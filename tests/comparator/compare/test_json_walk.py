"""The walk through two documents is bounded in depth and nodes."""

import json

import pytest
from darklaunch_comparator.compare import ComparisonOutcome, DifferenceKind

from tests.support.comparisons import compare_bodies


@pytest.mark.parametrize("depth", [129, 200, 254, 300, 990, 1023])
def test_a_difference_below_the_depth_that_is_walked_is_unverified(depth: int) -> None:
    one = "[" * depth + "1" + "]" * depth
    found = compare_bodies(one, one.replace("1", "2"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "128" in found.detail


def test_a_difference_at_the_depth_that_is_walked_is_found() -> None:
    one = "[" * 128 + "1" + "]" * 128
    (found,) = compare_bodies(one, one.replace("1", "2")).differences
    assert found.path == "$" + "[0]" * 128
    assert (found.kind, found.primary, found.shadow) == (DifferenceKind.VALUE, "1", "2")


def test_a_known_difference_outweighs_what_lies_too_deep() -> None:
    deep = "[" * 200 + "1" + "]" * 200
    found = compare_bodies(f'{{"deep": {deep}, "total": 1}}', f'{{"deep": {deep.replace("1", "2")}, "total": 2}}')
    assert found.outcome is ComparisonOutcome.MISMATCHED
    assert [each.path for each in found.differences] == ["$.total"]
    assert "128" in found.detail


def test_more_than_100_000_nodes_that_are_not_the_same_are_unverified() -> None:
    found = compare_bodies(json.dumps([0] * 60_000), json.dumps([0] * 59_999 + [1]))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "100,000" in found.detail


def test_fewer_nodes_are_compared() -> None:
    found = compare_bodies(json.dumps([0] * 49_000), json.dumps([0] * 48_999 + [1]))
    assert [each.path for each in found.differences] == ["$[48999]"]


def test_more_than_100_000_nodes_written_otherwise_are_matched() -> None:
    document = {f"{number}": 1 for number in range(110_000)}
    assert compare_bodies(json.dumps(document), json.dumps(document, indent=1)).outcome is ComparisonOutcome.MATCHED

"""Where only keys and types count."""

import pytest
from darklaunch_comparator.compare import ComparisonOutcome

from tests.support.comparisons import compare_bodies
from tests.support.rules import ruled


@pytest.mark.parametrize(
    ("primary", "shadow", "differences"),
    [
        ('{"a": 1, "b": "x"}', '{"a": 2, "b": "y"}', []),
        ('{"rows": [{"n": 1}]}', '{"rows": [{"n": 2}, {"n": 3}]}', []),
        ('{"rows": [{"n": 1}, {"n": 2}]}', '{"rows": [{"n": 1}, {}]}', ["missing $.rows[0].n"]),
        ('{"rows": [{"n": 1}, {}]}', '{"rows": [{}, {"n": 1}]}', []),
        ('{"a": 1}', '{"a": "1"}', ["type $.a"]),
        ('{"a": 1}', '{"a": 1, "b": 2}', ["extra $.b"]),
        ('{"17": {"n": 1}}', '{"18": {"n": 2}, "19": {"n": 3}}', []),
    ],
)
def test_keys_and_types_are_compared_and_values_are_not(primary: str, shadow: str, differences: list[str]) -> None:
    comparison = compare_bodies(primary, shadow, rules=ruled(structure_only=[{"path": "$"}]))
    assert [f"{difference.kind} {difference.path}" for difference in comparison.differences] == differences


def test_the_shadow_may_have_further_keys_if_the_rule_says_so() -> None:
    rules = ruled(structure_only=[{"path": "$", "allow_extra": True}])
    assert compare_bodies('{"a": 1}', '{"a": 1, "b": 2}', rules=rules).outcome is ComparisonOutcome.MATCHED
    assert compare_bodies('{"a": 1, "b": 2}', '{"a": 1}', rules=rules).outcome is ComparisonOutcome.MISMATCHED

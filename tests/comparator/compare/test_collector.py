"""What a comparison keeps of many differences."""

import json

from darklaunch_comparator.compare import ComparisonOutcome, compare

from tests.support.comparisons import build_side, compare_bodies
from tests.support.rules import ignoring


def test_thousands_of_differences_are_counted_and_each_group_has_an_example() -> None:
    one = {"rows": [{"a": number, "b": number} for number in range(2_000)], "last": 1}
    other = {"rows": [{"a": number + 1, "b": str(number)} for number in range(2_000)], "last": 2}
    found = compare_bodies(json.dumps(one), json.dumps(other))
    assert len(found.differences) + found.omitted == 4_001
    assert len(found.differences) < 110
    assert {each.group_path for each in found.differences} == {"$.rows[*].a", "$.rows[*].b", "$.last"}


def test_more_than_20_000_ignored_differences_are_unverified() -> None:
    one = json.dumps([[0]] * 20_001)
    found = compare("GET", build_side(one), build_side(one.replace("0", "1")), ignoring("$..x", "$[*]"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "20,000 places" in found.detail

"""What holds of every pair of documents under rules: hypothesis looks for one where it does not."""

import copy
import json
import time
from collections import Counter
from typing import Any

from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    DifferenceKind,
    compare,
)
from darklaunch_comparator.compare.collector import PATTERN_BUDGET_BYTES
from darklaunch_comparator.compare.patterns import VALUE_BYTES
from darklaunch_shared.wire.exchange import Response
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.rules import ruled

ruling = settings(max_examples=60)


names = st.sampled_from(["a", "b", "id", "n"])


scalars = st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, 1.5, 2]) | st.sampled_from(["", "x", "y", "1"])


documents = st.recursive(
    scalars, lambda part: st.lists(part, max_size=4) | st.dictionaries(names, part, max_size=4), max_leaves=15
)


paths = st.sampled_from(["$", "$.a", "$[*]", "$..a", "$.b[*].id", "$[0]", "$.n", "$..*", "$.a.b"])


patterns = st.sampled_from([".*", "x", "[0-9.]+", "true|1"])


@st.composite
def rule_sets(draw: st.DrawFn) -> dict[str, Any]:
    """A few rules of any kind."""
    rules: dict[str, Any] = {}
    for kind in draw(st.sets(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3)):
        rules[kind] = [{"path": path, **draw(KINDS[kind])} for path in draw(st.sets(paths, min_size=1, max_size=2))]
    return rules


KINDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "ignore": st.just({}) | patterns.map(lambda pattern: {"pattern": pattern}),
    "only": st.just({}),
    "unordered": st.sampled_from([{}, {"by": "id"}, {"by": "n"}]),
    "tolerance": st.sampled_from([{"absolute": 0.5}, {"relative": 0.5}]),
    "structure_only": st.sampled_from([{}, {"allow_extra": True}]),
    "null_is_absent": st.just({}),
    "strict_numbers": st.just({}),
}


def compared(one: Any, other: Any, **rules: Any) -> Comparison:
    def side(document: Any) -> ComparedResponse:
        return ComparedResponse(
            Response(200, (("content-type", "application/json"),), json.dumps(document).encode(), 1.0), "", 0
        )

    return compare("GET", side(one), side(other), ruled(**rules))


def kinds(found: Comparison) -> Counter[tuple[str, DifferenceKind]]:
    return Counter((difference.group_path, difference.kind) for difference in found.differences)


def test_a_tolerance_excuses_a_value_and_no_type() -> None:
    near, strict = {"tolerance": [{"path": "$", "absolute": 1.0}]}, {"strict_numbers": [{"path": "$"}]}
    assert compared({"n": 1}, {"n": 2}, **near).outcome is ComparisonOutcome.MATCHED
    assert kinds(compared({"n": 1}, {"n": 1.0}, **near, **strict)) == {("$.n", DifferenceKind.TYPE): 1}
    assert kinds(compared({"n": 1}, {"n": 3}, **near)) == {("$.n", DifferenceKind.VALUE): 1}


@ruling
@given(documents, rule_sets())
def test_a_document_is_equal_to_itself_under_any_rules(document: Any, rules: dict[str, Any]) -> None:
    assert compared(document, copy.deepcopy(document), **rules) == Comparison(ComparisonOutcome.MATCHED)


@ruling
@given(documents, documents, st.sets(paths, max_size=3), rule_sets())
def test_ignoring_never_adds_a_difference(one: Any, other: Any, ignored: set[str], rules: dict[str, Any]) -> None:
    # An unordered array tells its elements apart by what is not ignored, so it may pair others.
    rules.pop("unordered", None)
    before = compared(one, other, **rules)
    more = [*rules.get("ignore", []), *({"path": path} for path in ignored)]
    after = compared(one, other, **{**rules, "ignore": [rule for at, rule in enumerate(more) if rule not in more[:at]]})
    assert set(after.differences) <= set(before.differences)


@ruling
@given(documents, documents, patterns, paths)
def test_a_pattern_never_excuses_missing_extra_or_type(one: Any, other: Any, pattern: str, path: str) -> None:
    before, after = compared(one, other), compared(one, other, ignore=[{"path": path, "pattern": pattern}])
    gone = kinds(before) - kinds(after)
    assert all(kind is DifferenceKind.VALUE for _, kind in gone)
    assert sum(gone.values()) == sum(excuse.count for excuse in after.excuses)


@ruling
@given(documents, documents, rule_sets())
@example([1, {}], [{}, 1], {"structure_only": [{"path": "$"}]})
@example([{"a": 1}, {}], [{}, {"a": 1}], {"structure_only": [{"path": "$"}]})
@example({}, {"a": None}, {"structure_only": [{"path": "$", "allow_extra": True}]})
def test_what_is_not_reported_under_rules_is_counted(one: Any, other: Any, rules: dict[str, Any]) -> None:
    found = compared(one, other, **rules)
    if found.outcome is not ComparisonOutcome.MISMATCHED and compared(one, other).differences:
        assert found.excuses


def test_what_patterns_look_through_is_bounded() -> None:
    texts = ["b" * VALUE_BYTES for _ in range(PATTERN_BUDGET_BYTES // VALUE_BYTES + 1)]
    found = compared(["a" * VALUE_BYTES for _ in texts], texts, ignore=[{"path": "$", "pattern": "b*"}])
    assert found.outcome is ComparisonOutcome.UNVERIFIED
    assert "too much text to match against the patterns" in found.detail


def test_a_pattern_meets_text_that_is_none() -> None:
    assert compared("\udfff", "\udffe", ignore=[{"path": "$", "pattern": ".*"}]).outcome is ComparisonOutcome.IGNORED


def test_a_thousand_paths_cost_no_more_than_one_each_difference() -> None:
    many = [{"path": f"$.rows[*].field_{number}"} for number in range(999)]
    one = {"rows": [{f"field_{at}": 1 for at in range(40)} for _ in range(250)]}
    other = {"rows": [{f"field_{at}": 2 for at in range(40)} for _ in range(250)]}
    started = time.process_time()
    found = compared(one, other, ignore=many)
    assert found.outcome is ComparisonOutcome.IGNORED
    assert sum(excuse.count for excuse in found.excuses) == 10_000
    assert time.process_time() - started < 5

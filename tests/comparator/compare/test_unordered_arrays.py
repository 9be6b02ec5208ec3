"""Where order means nothing, no order changes what is found."""

import json
import random
from collections import Counter
from typing import Any

from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    DifferenceKind,
    ExcuseReason,
    compare,
)
from darklaunch_shared.wire.exchange import Response
from hypothesis import given, settings
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


def shuffled(part: Any, chance: random.Random) -> Any:
    if isinstance(part, dict):
        return {name: shuffled(value, chance) for name, value in part.items()}
    if isinstance(part, list):
        elements = [shuffled(value, chance) for value in part]
        chance.shuffle(elements)
        return elements
    return part


@ruling
@given(documents, documents, st.randoms(use_true_random=False), st.sampled_from(["", "id", "n"]))
def test_no_order_of_unordered_arrays_changes_what_is_found(
    one: Any, other: Any, chance: random.Random, by: str
) -> None:
    rules = {"unordered": [{"path": "$", "by": by}]}
    there, again = compared(one, other, **rules), compared(shuffled(one, chance), shuffled(other, chance), **rules)
    assert (there.outcome, kinds(there)) == (again.outcome, kinds(again))


@ruling
@given(documents, st.randoms(use_true_random=False), rule_sets())
def test_a_shuffled_document_is_equal_where_order_means_nothing(
    document: Any, chance: random.Random, rules: dict[str, Any]
) -> None:
    rules = {**rules, "unordered": [{"path": "$"}]}
    # An index names another element in another order.
    rules = {kind: [rule for rule in held if rule["path"] != "$[0]"] for kind, held in rules.items()}
    found = compared(document, shuffled(document, chance), **rules)
    assert found.outcome is ComparisonOutcome.MATCHED
    assert {excuse.reason for excuse in found.excuses} <= {
        ExcuseReason.UNORDERED,
        ExcuseReason.STRUCTURE_ONLY,
        ExcuseReason.ONLY,
    }

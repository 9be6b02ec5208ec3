"""The comparison beside deepdiff, a comparison by other people, on random documents.

Where the two mean the same they must find the same places and call them the same. They part on purpose in this, and
only this is left out:

- an array whose elements cannot be told apart by an id is one place, `order` or `size`, when the elements are the same
  in another order or more or fewer; deepdiff compares position by position. There it must find something at or below
  that array, and nothing more is asked of it.
- elements with `id`, `uuid` or `key` are aligned, and times, identifiers and own origins are excused; deepdiff knows of
  neither. The documents hold no such keys, no text of ten characters, and no two numbers that may be times.
- 1 and 1.0 are the same, and 1 and 2.5 are of one type; to deepdiff an int and a float are not.
- of one kind at one index-free path ten are kept, the rest counted.
"""

import json
import re
from typing import Any

from darklaunch_comparator.compare import ComparedResponse, Comparison, ComparisonOutcome, DifferenceKind, compare
from darklaunch_shared.wire.exchange import Response
from deepdiff import DeepDiff
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

Place = tuple[str | int, ...]

KINDS = {
    "dictionary_item_added": DifferenceKind.EXTRA,
    "dictionary_item_removed": DifferenceKind.MISSING,
    "iterable_item_added": DifferenceKind.EXTRA,
    "iterable_item_removed": DifferenceKind.MISSING,
    "values_changed": DifferenceKind.VALUE,
    "type_changes": DifferenceKind.TYPE,
}
STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]", re.DOTALL | re.ASCII)

numbers = st.sampled_from([0, 1, 1.0, 0.0, -1, 2, 2.5, 100, 1e2, 1e15]) | st.integers(-(10**9), 10**9 - 1)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=6)
names = st.sampled_from(["a", "b", "c", "a.b", "it's", "", "7", "é\n\\", "__a"]) | st.text("abc-.['", max_size=3)
documents = st.recursive(
    scalars, lambda part: st.lists(part, max_size=4) | st.dictionaries(names, part, max_size=5), max_leaves=20
)


@st.composite
def rewritten(draw: st.DrawFn, document: Any, lengths_too: bool) -> Any:
    """Copy a document with other leaves, keys and, when `lengths_too`, array lengths here and there."""
    if draw(st.integers(0, 5)) == 0:
        return draw(scalars)
    if isinstance(document, dict):
        members = {name: value for name, value in document.items() if draw(st.integers(0, 7))}
        copy = {name: draw(rewritten(value, lengths_too)) for name, value in members.items()}
        return copy | draw(st.dictionaries(names, scalars, max_size=1)) if draw(st.integers(0, 4)) == 0 else copy
    if isinstance(document, list):
        elements = [value for value in document if not lengths_too or draw(st.integers(0, 7))]
        return [draw(rewritten(value, lengths_too)) for value in elements]
    return document


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    one = draw(documents)
    return one, draw(rewritten(one, lengths_too=draw(st.booleans())))


def compared(one: Any, other: Any) -> Comparison:
    fields = (("content-type", "application/json"),)
    bodies = (json.dumps(part).encode() for part in (one, other))
    primary, shadow = (ComparedResponse(Response(200, fields, body, 1.0), "", 0) for body in bodies)
    return compare("GET", primary, shadow)


def place(path: str) -> Place:
    """Read an RFC 9535 path into its keys and indexes."""
    tokens: list[str | int] = []
    at = 1
    while at < len(path):
        found = STEP.match(path, at)
        assert found is not None, path
        name, index, quoted = found.groups()
        if quoted is not None:
            name = json.loads('"' + quoted.replace("\\'", "'").replace('"', '\\"') + '"')
        tokens.append(int(index) if index else name)
        at = found.end()
    return tuple(tokens)


def by_deepdiff(one: Any, other: Any) -> set[tuple[DifferenceKind, Place]]:
    found = DeepDiff(
        one,
        other,
        view="tree",
        ignore_private_variables=False,  # keys that start with two underscores
        zip_ordered_iterables=True,  # position by position
        threshold_to_diff_deeper=0,  # into objects that share few keys, too
    )
    places: set[tuple[DifferenceKind, Place]] = set()
    for name, levels in found.items():
        for each in levels:
            kind = KINDS[name]
            if {type(each.t1), type(each.t2)} == {int, float}:
                if each.t1 == each.t2:
                    continue
                kind = DifferenceKind.VALUE
            places.add((kind, tuple(each.path(output_format="list"))))
    return places


def below(place: Place, top: Place) -> bool:
    return place[: len(top)] == top


@given(pairs())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_deepdiff_finds_the_same_places(pair: tuple[Any, Any]) -> None:
    found = compared(*pair)
    oracle = by_deepdiff(*pair)

    assert found.outcome is (ComparisonOutcome.MISMATCHED if oracle else ComparisonOutcome.MATCHED)
    shadow = {(difference.kind, place(difference.path)) for difference in found.differences}
    arrays = [top for kind, top in shadow if kind in (DifferenceKind.ORDER, DifferenceKind.SIZE)]
    for top in arrays:
        assert any(below(each, top) for _, each in oracle)
    left = {(kind, each) for kind, each in oracle if not any(below(each, top) for top in arrays)}
    right = {(kind, each) for kind, each in shadow if kind not in (DifferenceKind.ORDER, DifferenceKind.SIZE)}
    assert right <= left
    assert found.omitted or right == left
    event(f"{min(len(oracle), 5)} differences or more, arrays {'differ as a whole' if arrays else 'in place'}")

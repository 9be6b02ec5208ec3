"""What holds of every pair of documents: hypothesis looks for one where it does not."""

import json
import random
import re
from typing import Any

from darklaunch_comparator.compare import ComparedResponse, Comparison, ComparisonOutcome, DifferenceKind, compare
from darklaunch_shared.wire.exchange import Response
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rules import ignoring

TWINS = {DifferenceKind.MISSING: DifferenceKind.EXTRA, DifferenceKind.EXTRA: DifferenceKind.MISSING}

names = st.one_of(st.sampled_from(["a", "b", "id", "key", "a.b", "it's", "", "7", "é\n\\"]), st.text(max_size=3))
# Short text: nothing under ten characters is volatile, so that equality can be said in a few lines below.
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 1.0, -0.0, 2**63, 2**64, 2**64 + 1, 0.1, 1e308]),
    st.integers(-99, 99),
    st.text(max_size=5),
)
documents = st.recursive(
    scalars, lambda part: st.lists(part, max_size=5) | st.dictionaries(names, part, max_size=5), max_leaves=25
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two documents, mostly the second a copy of the first with a few changes."""
    one = draw(documents)
    if draw(st.integers(0, 9)) == 0:
        return one, draw(documents)
    other = json.loads(json.dumps(one))
    for _ in range(draw(st.integers(1, 3))):
        other = changed(draw, other)
    return one, other


def changed(draw: st.DrawFn, document: Any) -> Any:
    if isinstance(document, dict) and document and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(document)))
        if draw(st.integers(0, 3)) == 0:
            return {key: value for key, value in document.items() if key != name}
        return {**document, name: changed(draw, document[name])}
    if isinstance(document, list) and document:
        at = draw(st.integers(0, len(document) - 1))
        how = draw(st.sampled_from(["change", "change", "remove", "shuffle", "insert"]))
        if how == "change":
            return [*document[:at], changed(draw, document[at]), *document[at + 1 :]]
        if how == "remove":
            return [*document[:at], *document[at + 1 :]]
        if how == "insert":
            return [*document[:at], draw(scalars), *document[at:]]
        return draw(st.permutations(document))
    return draw(scalars)


def side(body: bytes, content_type: str = "application/json", *fields: tuple[str, str]) -> ComparedResponse:
    headers = (("content-type", content_type), *fields)
    return ComparedResponse(Response(200, headers, body, 1.0), "http://a.example", 1_714_564_800_000)


def written(document: Any, **how: Any) -> ComparedResponse:
    return side(json.dumps(document, **how).encode())


def compared(pair: tuple[Any, Any], *ignore: str) -> Comparison:
    return compare("GET", written(pair[0]), written(pair[1], indent=1), ignoring(*ignore))


def same(one: Any, other: Any) -> bool:
    """Return whether two documents are the same JSON value."""
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float | dict | list):
        return type(one) is type(other) and one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, int | float) and isinstance(other, int | float) and one == other


def resolve(path: str, document: Any) -> Any:
    """Follow an RFC 9535 path; raises LookupError when it leads nowhere."""
    step = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]", re.DOTALL)
    assert path.startswith("$")
    at = 1
    while at < len(path):
        found = step.match(path, at)
        assert found is not None, path
        name, index, quoted = found.groups()
        if quoted is not None:
            name = json.loads('"' + quoted.replace("\\'", "'").replace('"', '\\"') + '"')
        document = document[int(index)] if index else document[name]
        at = found.end()
    return document


@given(documents, st.randoms(use_true_random=False))
def test_a_document_is_the_same_however_it_is_written(document: Any, chance: random.Random) -> None:
    def shuffled(part: Any) -> Any:
        if isinstance(part, dict):
            items = [(name, shuffled(value)) for name, value in part.items()]
            chance.shuffle(items)
            return dict(items)
        return [shuffled(value) for value in part] if isinstance(part, list) else part

    found = compare("GET", written(document), written(shuffled(document), indent=2, ensure_ascii=True))
    assert found == Comparison(ComparisonOutcome.MATCHED)


@given(pairs())
def test_documents_match_when_they_are_the_same_and_only_then(pair: tuple[Any, Any]) -> None:
    found = compared(pair)
    assert found.outcome is (ComparisonOutcome.MATCHED if same(*pair) else ComparisonOutcome.MISMATCHED)
    assert bool(found.differences) != same(*pair)


@given(pairs())
def test_swapping_the_sides_swaps_missing_and_extra(pair: tuple[Any, Any]) -> None:
    there = compare("GET", written(pair[0]), written(pair[1]))
    back = compare("GET", written(pair[1]), written(pair[0]))
    assert sorted((found.group_path, found.kind) for found in there.differences) == sorted(
        (found.group_path, TWINS.get(found.kind, found.kind)) for found in back.differences
    )
    assert there.omitted == back.omitted


@given(pairs())
def test_every_path_leads_somewhere_on_the_side_that_has_it(pair: tuple[Any, Any]) -> None:
    for found in compared(pair).differences:
        resolve(found.path, pair[1] if found.kind is DifferenceKind.EXTRA else pair[0])


@given(pairs(), st.integers(0, 5))
def test_ignoring_never_adds_a_difference(pair: tuple[Any, Any], which: int) -> None:
    before = compared(pair)
    paths = [path for found in before.differences for path in (found.path, found.group_path)] or ["$.a"]
    path = paths[which % len(paths)]
    after = compared(pair, path)
    assert set(after.differences) <= set(before.differences)
    assert not any(found.path == path for found in after.differences)


@given(pairs())
def test_the_index_free_paths_of_a_report_ignore_what_it_reported(pair: tuple[Any, Any]) -> None:
    before = compared(pair)
    after = compared(pair, *{found.group_path for found in before.differences})
    assert after.differences == ()
    assert after.outcome is (ComparisonOutcome.IGNORED if before.differences else ComparisonOutcome.MATCHED)
    assert sum(excuse.count for excuse in after.excuses) == len(before.differences) + before.omitted


@given(
    st.binary(max_size=60),
    st.binary(max_size=60),
    st.sampled_from(["application/json", "text/html", "application/x-ndjson", "image/png", "", "x; charset=idna"])
    | st.text(max_size=20),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "identity", "gzip, br", "compress", ""]),
)
def test_no_bytes_make_it_raise(one: bytes, other: bytes, content_type: str, coding: str) -> None:
    found = compare(
        "GET", side(one, content_type, ("content-encoding", coding)), side(other, content_type, ("vary", coding))
    )
    for difference in found.differences:
        for text in (difference.path, difference.primary, difference.shadow):
            assert text is None or text.isprintable()
            (text or "").encode()


@given(st.text(st.characters(codec=None), max_size=8), st.text(st.characters(codec=None), max_size=8))
def test_any_text_may_be_a_key_and_a_value(name: str, value: str) -> None:
    found = compare("GET", written({name: value}), written({name: value + "x"}))
    (difference,) = found.differences
    assert difference.kind is DifferenceKind.VALUE
    assert difference.path.isprintable() and difference.path.encode()
    assert ignoring(difference.group_path).ignore.covers([name]) or difference.group_path == "$[*]"

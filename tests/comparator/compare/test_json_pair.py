"""What is proven of two documents from their texts changes no finding: a search for a pair where it does.

A document is drawn as what is written of it, so that it may say what no parsed one can: a key twice, a number or a
character spelled otherwise, white space anywhere.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import orjson
import pytest
from darklaunch_comparator.compare import ComparedResponse, EndpointRules, compare, json_pair
from darklaunch_comparator.compare.json_pair import JsonPair
from darklaunch_comparator.compare.json_scan import count_differing_scalars
from darklaunch_shared.wire.exchange import Response
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.support.rules import ruled

LONG = re.compile(rb"[\d.]{16}")
LITERALS = [["true"], ["false"], ["null"]]
SMALL = [["0", "0.0", "-0", "-0.0", "0e1"], ["1", "1.0", "1.00", "10e-1"], ["2"], ["100000.0", "1e5", "1E+5", "100000"]]
GREAT = [
    ["12345678901234567"], ["12345678901234568"], ["9007199254740993.0"], ["9007199254740992.0"], ["9007199254740993"],
    ["18446744073709551616"], ["18446744073709551617"], ["18446744073709551615"], ["0.1000000000000000055"], ["0.1"],
]  # fmt: skip
TEXTS = ["", "a", "b", "a b", "ab", "ab:", ":", '"', "\\", "{", ",", "\n", "é", "ü", "\x7f\u2028", "😀", "\x01", "true"]
NAMES = ["a", "b", "id", "a b", "ab", ":", "é", ""]
SPACES = [(",", ":"), (", ", ": "), (" ,\n", "\t: ")]
ESCAPED = ["", "", "", "é\u2028\x7f😀", ":", '"\\', "".join(TEXTS)]
RULES = [
    EndpointRules(),
    EndpointRules(),
    *(ruled(unordered=[{"path": path}]) for path in ("$", "$..a")),
    *(ruled(strict_numbers=[{"path": path}]) for path in ("$", "$.b")),
]

Document = tuple[str, Any]
"""Its kind, and a scalar's spellings, a text's characters, an array's parts, an object's members."""


class Author:
    """Draws documents and changes them."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._scalars = [*LITERALS, *chance.choice([SMALL, GREAT])]

    def document(self, depth: int = 3) -> Document:
        return self._of_kind(
            self._chance.choice(["scalar", "text", "text", "array", "object"] if depth else ["scalar", "text"]), depth
        )

    def _of_kind(self, kind: str, depth: int = 0) -> Document:
        length = self._chance.randint(0, 3)
        if kind == "array":
            return kind, [self.document(depth - 1) for _ in range(length)]
        if kind == "object":
            return kind, [(self._chance.choice(NAMES), self.document(depth - 1)) for _ in range(length)]
        return kind, self._chance.choice(self._scalars if kind == "scalar" else TEXTS)

    def changed(self, document: Document) -> Document:
        """Change a document in one place: another value, a member or element twice, one less, another order."""
        kind, content = document
        if kind in ("scalar", "text"):
            return self._of_kind(kind) if self._chance.random() < 0.8 else self.document(depth=0)
        if not content:
            return self.document(depth=1)
        at = self._chance.randrange(len(content))
        how = self._chance.choice(["inside"] * 12 + ["twice", "less", "order"])
        if how == "twice":
            return kind, [*content, content[at]]
        if how == "less":
            return kind, [*content[:at], *content[at + 1 :]]
        if how == "order":
            return kind, self._chance.sample(content, len(content))
        inner = self.changed(content[at]) if kind == "array" else (content[at][0], self.changed(content[at][1]))
        return kind, [*content[:at], inner, *content[at + 1 :]]


class Writer:
    """Writes documents in one way: its white space, what it escapes, which spelling it takes, how it orders keys."""

    def __init__(self, chance: Random) -> None:
        self._comma, self._colon = chance.choice(SPACES)
        self._escaped = chance.choice(ESCAPED)
        self._spelling = chance.randrange(5)
        self._backwards = chance.random() < 0.2

    def __call__(self, document: Document) -> str:
        kind, content = document
        if kind == "scalar":
            return content[self._spelling % len(content)]
        if kind == "text":
            return f'"{"".join(map(self._char, content))}"'
        if kind == "array":
            return f"[{self._comma.join(map(self, content))}]"
        members = [f"{self(('text', name))}{self._colon}{self(value)}" for name, value in content]
        return f"{{{self._comma.join(members[::-1] if self._backwards else members)}}}"

    def _char(self, char: str) -> str:
        if char in self._escaped or char < " ":
            units = char.encode("utf-16-be").hex()
            return "".join([f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4)])
        return f"\\{char}" if char in '"\\' else char


def pair(chance: Random) -> tuple[bytes, bytes]:
    """Write one document, or two that differ in up to three places, by one writer or by two."""
    author, write = Author(chance), Writer(chance)
    one: Document = ("object", [(name, author.document()) for name in ("id", "b", "a", "ab")])
    other = one
    for _ in range(chance.choice([0, 1, 1, 2, 2, 3])):
        other = author.changed(other)
    rewrite = chance.choice([write, Writer(chance)])
    mark = chance.choice([*[""] * 10, "\ufeff", "\n"])
    return write(one).encode(), f"{mark}{rewrite(other)}".encode()


@contextmanager
def without_shortcuts() -> Iterator[None]:
    """Parse both texts, exactly where there is a long number, and take nothing for known of them."""

    def read(primary: bytes, shadow: bytes) -> JsonPair | None:
        if LONG.search(primary) or LONG.search(shadow):
            return None
        return JsonPair(orjson.loads(primary), orjson.loads(shadow))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pair, "count_differing_scalars", lambda *_texts: 0)
        patch.setattr(json_pair, "_parse_and_rewrite", read)
        yield


def findings(primary: bytes, shadow: bytes, rules: EndpointRules) -> tuple[Any, ...]:
    fields = (("content-type", "application/json"),)
    one, other = (ComparedResponse(Response(200, fields, text, 1.0), "", 0) for text in (primary, shadow))
    found = compare("GET", one, other, rules)
    places = [(each.path, each.group_path, each.kind) for each in found.differences]
    return found.outcome, places, found.excuses, found.omitted, found.detail


@given(st.integers(0, 2**64))
@settings(max_examples=25)
def test_the_findings_are_the_same_without_shortcuts(seed: int) -> None:
    chance = Random(seed)
    for _ in range(400):
        primary, shadow = pair(chance)
        rules = chance.choice(RULES)
        note(f"{primary!r}\n{shadow!r}")
        with without_shortcuts():
            without = findings(primary, shadow, rules)
        assert findings(primary, shadow, rules) == without


def test_the_search_takes_every_shortcut() -> None:
    chance = Random(0)
    taken: Counter[str] = Counter()
    for _ in range(4_000):
        primary, shadow = pair(chance)
        places = count_differing_scalars(primary, shadow)
        taken["one scalar" if places == 1 else "scalars" if places else ""] += 1
        if not places and primary != shadow and shadow[:1] == b"{":
            taken["written again" if json_pair.parse_pair(primary, shadow).are_same else ""] += 1
    assert min(taken["one scalar"], taken["scalars"], taken["written again"]) > 10, taken


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rb'{"x":1,"x":1,"y":"\u003a"}', b'{"x":1,"y":":"}'),
        (rb'{"x":1,"x":1,"y":"\u003A"}', b'{"x":1,"y":":"}'),
        (rb'{"x":1, "x":1, "\u0078\u003a":1}', b'{"x":1,"x:":1}'),
    ],
)
def test_a_colon_that_was_escaped_hides_no_key_that_stands_twice(one: bytes, other: bytes) -> None:
    for pair_ in ((one, other), (other, one)):
        assert [kind for _, _, kind in findings(*pair_, EndpointRules())[1]] == ["duplicate_key"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"n":0.1000000000000000055}', b'{"n":0.1}'),
        (b'{"n": 9007199254740993.0}', b'{"n":9007199254740992.0}'),
        (b'{"n": 18446744073709551617}', b'{"n":18446744073709551616}'),
    ],
)
def test_a_number_that_is_rounded_is_not_what_it_is_rounded_to(one: bytes, other: bytes) -> None:
    for pair_ in ((one, other), (other, one)):
        assert [kind for _, _, kind in findings(*pair_, EndpointRules())[1]] == ["value"]


def test_long_identifiers_need_no_exact_parser_however_they_are_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_pair, "parse_exactly", None)
    one, other = b'{"id":1234567890123456789,"n":[1]}', b'{"id": 1234567890123456788, "n": [1]}'
    assert [path for path, _, _ in findings(one, other, EndpointRules())[1]] == ["$.id"]


def test_where_order_means_nothing_one_scalar_may_pair_elements_that_differ_in_many() -> None:
    made_up = [f"{number:08x}-5b0a-4f6e-9a55-2f1f3c1d7a1{number}" for number in range(4)]
    primary = [{"n": 1, "u": made_up[0], "v": made_up[1]}, {"n": 2, "u": made_up[2], "v": made_up[3]}]
    pair_ = orjson.dumps(primary), orjson.dumps([{**primary[0], "n": 2}, primary[1]])
    rules = ruled(unordered=[{"path": "$"}])
    assert count_differing_scalars(*pair_) == 1
    with without_shortcuts():
        without = findings(*pair_, rules)
    assert findings(*pair_, rules) == without

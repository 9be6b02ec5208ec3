"""What two texts alone prove of their documents is true, and changes no comparison."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from darklaunch_comparator.compare import ComparedResponse, compare, json_pair
from darklaunch_comparator.compare.json_scan import count_differing_scalars, only_white_space_differs
from darklaunch_shared.wire.exchange import Response
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^"{}\[\]:,]+')
OTHERS = [
    *(
        "true",
        "false",
        "null",
        "1",
        "0",
        "1.0",
        "7",
        "77",
        "12345678901234567",
        "18446744073709551617",
        " ",
        "  1 ",
        "[]",
        "[ ]",
    ),
    *('""', '" "', '"a"', '"b"', '"a:b"', '"a,b"', '"{"', '"}a"', '"]"', '"\\""', '"\\\\"', '"\\u0061"', '"true"'),
    *('"a":1,"a"', '"a":true,"a"', '"a":1,"b"', '1,"a":2', '1,"b":true', "1,2", "true,1", "1,true", '{"a":1}'),
]
slow = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

names = st.sampled_from(["a", "b", "id", "a:", ":", "{", '"', "\\", "a b", ""])
scalars = st.sampled_from([None, True, False, 0, 1, 2, 1.0, 2**64, "", "a", "b", ":", "x,y", "{", '"', "é\n", "tru"])
documents_ = st.recursive(
    scalars, lambda part: st.lists(part, max_size=4) | st.dictionaries(names, part, max_size=4), max_leaves=12
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two JSON texts, the second the first with some of its tokens replaced."""
    text = json.dumps({"id": draw(documents_)}, separators=draw(st.sampled_from([(",", ":"), (", ", ": ")])))
    tokens = TOKEN.findall(text)
    changed = [*tokens]
    places = [at for at, token in enumerate(tokens) if at > 2 and token.strip(" {}[]:,")] or [3]
    for _ in range(draw(st.integers(1, 3))):
        changed[draw(st.sampled_from(places))] = draw(st.sampled_from(OTHERS))
    texts = [text, "".join(changed)]
    assume(all(is_json(each) for each in texts))
    one, other = draw(st.permutations(texts))
    return one, other


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def same_structure(one: Any, other: Any) -> bool:
    """Return whether two documents, objects as lists of (key, value), have the same objects, keys and booleans."""
    if isinstance(one, tuple) or isinstance(other, tuple):
        return (
            isinstance(one, tuple)
            and isinstance(other, tuple)
            and [name for name, _ in one] == [name for name, _ in other]
            and all(same_structure(left[1], right[1]) for left, right in zip(one, other, strict=True))
        )
    if isinstance(one, list) or isinstance(other, list):
        if not (isinstance(one, list) and isinstance(other, list)):
            return False
        if len(one) != len(other):  # [] and [1] have as many commas
            return len(one) + len(other) == 1 and not isinstance([*one, *other][0], tuple | list)
        return all(map(same_structure, one, other))
    return type(one) is type(other) or not (isinstance(one, bool | int) and isinstance(other, bool | int))


@given(pairs())
@slow
def test_texts_found_alike_have_the_same_objects_keys_and_booleans(pair: tuple[str, str]) -> None:
    one, other = pair
    alike = count_differing_scalars(one.encode(), other.encode())
    event(f"alike: {alike}")
    if alike:
        assert same_structure(*[json.loads(text, object_pairs_hook=tuple) for text in pair])


@given(pairs())
@slow
def test_a_comparison_is_the_same_without_it(pair: tuple[str, str]) -> None:
    fields = (("content-type", "application/json"),)
    primary, shadow = (ComparedResponse(Response(200, fields, text.encode(), 1.0), "", 0) for text in pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pair, "count_differing_scalars", never)
        patch.setattr(json_pair, "only_white_space_differs", never)
        without = compare("GET", primary, shadow)
    assert compare("GET", primary, shadow) == without


def never(_theirs: bytes, _ours: bytes) -> bool:
    return False


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ('{"id": 1, "at": "12:00"}', '{"id": 2, "at": "12:01"}', True),
        ('{"id": 1, "at": "12:00"}', '{"id": 1, "at": ""}', False),
        ('{"id": 1, "at": "1200"}', '{"id": 12, "at": ""}', True),
        ('{"id": 1, "é": "ü"}\n', '{"id": 1, "é": "ö"}\n', True),
        ('{"id": 1, "on": true}', '{"id": 1, "on": false}', True),
        ('{"id": 1, "on": true}', '{"id": 1, "on": 1}', False),
        ('{"id": 1, "on": "a"}', '{"id": 1, "no": "a"}', False),
        ('{"id": 1, "x{a" : "a"}', '{"id": 1, "y{a" : "a"}', False),
        ('{"id": 1, "at": "a\\nb"}', '{"id": 1, "at": "a\\tb"}', False),
        ('{"id": 1, "at": [1]}', '{"id": 1, "at": [1, 2]}', False),
        ('{"id": 1, "at": 1}', '{"id": 1, "at":  1}', False),
        ('{"id": 1, "a": 1, "a": 2}', '{"id": 1, "a": "a" }', False),
        ('{"id": 1, "a": 2}', '{"id": 1}', False),
    ],
)
def test_examples(one: str, other: str, alike: bool) -> None:
    assert bool(count_differing_scalars(one.encode(), other.encode())) is alike
    assert bool(count_differing_scalars(other.encode(), one.encode())) is alike


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 5_000, 100_000])
@pytest.mark.parametrize("write", [lambda n: f'{{"id": "{"x" * n}', lambda n: f'{{"id": [{"10, " * n}"'])
def test_a_place_is_found_wherever_it_lies(length: int, write: Callable[[int], str]) -> None:
    start, end = write(length), "y" * length
    one, other = (f'{start}{value}{end}"'.encode() for value in ("2024-05-01", "2023-05-0001"))
    assert count_differing_scalars(one, other)
    assert not count_differing_scalars(one, other + b":")
    assert not count_differing_scalars(one, other.replace(b"2023", b'"2023'))


@pytest.mark.parametrize(
    ("primary", "shadow", "told"),
    [
        (b'{"n": 12}', b'{"n": 13}', True),
        (b'{"n": 123456789012345}', b'{"n": 123456789012346}', True),
        (b'{"n": 1234567890123456}', b'{"n": 1234567890123457}', False),
        (b'{"n": 98765432109876543210}', b'{"n": 98765432109876543211}', False),
        (b'{"n": 0.1}', b'{"n": 0.10000000000000001}', False),
        (b'{"n": 12345678901234567, "m": 1}', b'{"n": 12345678901234567, "m": 2}', True),
    ],
)
def test_a_long_number_is_told_apart_only_where_texts_differ(primary, shadow, told) -> None:
    assert bool(count_differing_scalars(primary, shadow)) is told


@given(document=documents_, spaced=st.sampled_from([{"indent": 1}, {"separators": (" , ", " :  ")}, {"indent": "\t"}]))
def test_white_space_alone_is_recognised(document: Any, spaced: dict[str, Any]) -> None:
    written = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    assert only_white_space_differs(written, json.dumps(document, ensure_ascii=False, **spaced).encode())


def test_white_space_in_a_string_is_a_difference() -> None:
    fields = (("content-type", "application/json"),)
    bodies = b'{"a":"b c"}', b'{"a": "bc"}'
    primary, shadow = (ComparedResponse(Response(200, fields, body, 1.0), "", 0) for body in bodies)
    assert [difference.group_path for difference in compare("GET", primary, shadow).differences] == ["$.a"]

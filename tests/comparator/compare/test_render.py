"""What people read about a difference: the values, short, printable, and with the difference in view."""

import json
from typing import Any

import pytest
from darklaunch_comparator.compare import ComparedResponse, Difference, compare
from darklaunch_shared.wire.exchange import Response


def only(one: Any, other: Any, content_type: str = "application/json") -> Difference:
    primary, shadow = (
        ComparedResponse(
            Response(
                200,
                (("content-type", content_type),),
                (body if isinstance(body, bytes) else json.dumps(body).encode()),
                1.0,
            ),
            "",
            0,
        )
        for body in (one, other)
    )
    (found,) = compare("GET", primary, shadow).differences
    return found


@pytest.mark.parametrize(
    ("one", "other", "primary", "shadow"),
    [
        ({"a": 12}, {"a": "12"}, "12", '"12"'),
        ({"a": None}, {"a": True}, "null", "true"),
        ({"a": 1.5}, {"a": False}, "1.5", "false"),
        ({"a": {"b": [1, "x", None]}}, {"a": 1}, '{"b": [1, "x", null]}', "1"),
        ({"a": {}}, {"a": []}, "{}", "[]"),
        ({"a": "line\nfeed \x00 \u202e"}, {"a": "ok"}, r'"line\nfeed \u0000 \u202e"', '"ok"'),
        ({"a": list(range(20))}, {}, "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 8 more]", None),
        ([1, 2, 3], [2, 3, 4, 5], "3 elements, only here: 1", "4 elements, only here: 4, 5"),
        ([1], [], "1 element, only here: 1", "0 elements"),
        ([1, 1, 2], [1, 2], "3 elements, only here: 1", "2 elements"),
        ([*range(9)], [], "9 elements, only here: 0, 1, 2, 3, 4 and 4 more", "0 elements"),
    ],
)
def test_values(one: Any, other: Any, primary: str | None, shadow: str | None) -> None:
    found = only(one, other)
    assert (found.primary, found.shadow) == (primary, shadow)


def test_long_texts_are_cut_around_the_first_difference() -> None:
    found = only({"a": "x" * 10_000 + " old"}, {"a": "x" * 10_000 + " new"})
    assert found.primary is not None and found.primary.endswith(' old"') and len(found.primary) < 100
    assert found.shadow is not None and found.shadow.endswith(' new"')


def test_bytes_show_length_and_digest() -> None:
    found = only(b"\x00" * 1_500, b"\x01", "image/png")
    assert found.primary is not None and found.primary.startswith("1,500 bytes, sha256 ")
    assert found.shadow is not None and found.shadow.startswith("1 byte, sha256 ")

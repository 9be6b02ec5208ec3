"""Texts are compared by lines."""

import json
from typing import Any

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


def test_text_names_the_lines() -> None:
    found = only(b"a\nb\nc", b"a\nB\nc", "text/plain")
    assert (found.primary, found.shadow) == ('line 2: "b"', 'line 2: "B"')
    found = only(b"a\nb\nc\nd", b"a\nd", "text/plain")
    assert (found.primary, found.shadow) == (r'lines 2 to 3: "b\nc"', "nothing at line 2")

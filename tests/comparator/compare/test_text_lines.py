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
    found = only(b"a\nb\nd", b"a\nd", "text/plain")
    assert (found.kind, found.primary, found.shadow) == ("missing", 'line 2: "b"', None)
    found = only(b"a\n", b"a", "text/plain")
    assert (found.kind, found.primary, found.shadow) == ("text", 'line 2: ""', "nothing at line 2")

"""Bodies that are JSON by their headers."""

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


def test_malformed_json_says_why_and_how_it_starts() -> None:
    found = only(b'{"a": 1}', b"<html>Oops</html>")
    assert found.primary == '{"a": 1}'
    assert found.shadow is not None and found.shadow.startswith("not JSON: Expecting value")
    assert found.shadow.endswith("<html>Oops</html>")

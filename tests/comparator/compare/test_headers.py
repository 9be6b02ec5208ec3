"""Headers are compared by their meaning."""

from darklaunch_comparator.compare import ComparedResponse, compare
from darklaunch_shared.wire.exchange import Response


def test_cookie_values_are_never_shown() -> None:
    headers = [(("set-cookie", "sid=hunter2; HttpOnly"),), (("set-cookie", "sid=hunter3"),)]
    primary, shadow = (ComparedResponse(Response(200, fields, b"", 1.0), "", 0) for fields in headers)
    (found,) = compare("GET", primary, shadow).differences
    assert (found.primary, found.shadow) == ("sid=…; HttpOnly", "sid=…")

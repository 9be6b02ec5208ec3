"""Two bodies compared as those of two responses."""

from darklaunch_comparator.compare import NO_RULES, ComparedResponse, Comparison, EndpointRules, compare
from darklaunch_shared.wire.exchange import Response

RESPONDED_AT_MS = 1_714_564_800_000


def build_side(body: bytes | str, content_type: str = "application/json", coding: str = "") -> ComparedResponse:
    content = body.encode() if isinstance(body, str) else body
    headers = (("content-type", content_type), *((("content-encoding", coding),) if coding else ()))
    return ComparedResponse(Response(200, headers, content, 1.0), "http://a.example", RESPONDED_AT_MS)


def compare_bodies(
    primary: bytes | str,
    shadow: bytes | str,
    *,
    content_type: str = "application/json",
    coding: str = "",
    rules: EndpointRules = NO_RULES,
) -> Comparison:
    return compare("GET", build_side(primary, content_type, coding), build_side(shadow, content_type, coding), rules)

"""Headers are compared by their meaning."""

from typing import Any

from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    EndpointRules,
    Excuse,
    ExcuseReason,
    compare,
)
from darklaunch_shared.wire.exchange import Response


def test_cookie_values_are_never_shown() -> None:
    headers = [(("set-cookie", "sid=hunter2; HttpOnly"),), (("set-cookie", "sid=hunter3"),)]
    primary, shadow = (ComparedResponse(Response(200, fields, b"", 1.0), "", 0) for fields in headers)
    (found,) = compare("GET", primary, shadow).differences
    assert (found.primary, found.shadow) == ("sid=…; HttpOnly", "sid=…")


def compare_fields(primary: dict[str, str], shadow: dict[str, str], body: bytes = b"", **rules: Any) -> Comparison:
    one, other = (
        ComparedResponse(Response(200, tuple(fields.items()), content, 1.0), "", 0)
        for fields, content in ((primary, b""), (shadow, body))
    )
    return compare("OPTIONS", one, other, EndpointRules(**rules))


def test_allow_is_compared_as_a_set() -> None:
    assert compare_fields({"allow": "GET, HEAD"}, {"allow": "head,GET"}).outcome is ComparisonOutcome.MATCHED
    (found,) = compare_fields({"allow": "GET, HEAD"}, {"allow": "GET, HEAD, DELETE"}).differences
    assert (found.path, found.primary, found.shadow) == ("header:allow", "GET, HEAD", "GET, HEAD, DELETE")


def test_a_header_that_is_not_compared_is_counted_and_no_difference() -> None:
    found = compare_fields({"x-total-count": "17", "date": "a"}, {"x-total-count": "18", "date": "b"})
    assert found.outcome is ComparisonOutcome.MATCHED
    assert found.excuses == (Excuse("header:x-total-count", ExcuseReason.NOT_COMPARED, 1),)
    beside_a_mismatch = compare_fields({"x-a": "1", "vary": "a"}, {"vary": "b"})
    assert [each.path for each in beside_a_mismatch.differences] == ["header:vary"]
    assert beside_a_mismatch.excuses == (Excuse("header:x-a", ExcuseReason.NOT_COMPARED, 1),)


def test_the_rule_that_is_advised_compares_it_and_another_ends_the_count() -> None:
    one, other = {"x-total-count": "17"}, {"x-total-count": "18"}
    (found,) = compare_fields(one, other, compared_headers=frozenset({"x-total-count"})).differences
    assert found.path == "header:x-total-count"
    assert compare_fields(one, other, never_compared_headers=frozenset({"x-total-count"})).excuses == ()


def test_headers_in_another_order_or_of_the_delivery_are_not_counted() -> None:
    one = {"server": "a", "x-a": "1", "x-b": "2", "x-response-time": "3", "age": "1", "x-datadog-trace-id": "5"}
    other = {"x-b": "2", "x-a": "1", "x-response-time": "4", "age": "2", "x-datadog-trace-id": "6"}
    assert compare_fields(one, other) == Comparison(ComparisonOutcome.MATCHED)


def test_a_shadow_that_makes_up_names_fills_no_table() -> None:
    made_up = {f"x-{number:03}": "1" for number in range(200)} | {"x-" + "a" * 90: "1"}
    assert len(compare_fields({}, made_up).excuses) == 20

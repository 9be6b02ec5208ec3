"""Hostile bodies end in bounded time and memory, as a named difference or as unverified."""

import json

from darklaunch_comparator.compare import ComparedResponse, ComparisonOutcome, DifferenceKind, compare
from darklaunch_shared.wire.exchange import Response

from tests.support.comparisons import build_side, compare_bodies
from tests.support.rules import ignoring


def test_a_header_of_white_space() -> None:
    primary, shadow = (
        ComparedResponse(
            Response(200, (("content-disposition", "a" + " " * spaces + "b"), ("vary", " " * spaces)), b"", 1.0), "", 0
        )
        for spaces in (60_000, 60_001)
    )
    assert compare("GET", primary, shadow).outcome is ComparisonOutcome.MATCHED


def test_text_of_a_million_lines() -> None:
    text = b"line\n" * 1_000_000
    first, last, _ = compare_bodies(text + b"a", b"b\n" + text, content_type="text/plain").differences
    assert (first.kind, first.primary, first.shadow) == (DifferenceKind.TEXT, 'line 1: "line"', 'line 1: "b"')
    assert last.primary == 'line 1,000,001: "a"'


def test_text_that_looks_volatile_all_over() -> None:
    one = "2024-05-01T12:00:00Z-" * 8_000 + "a1B2" * 8_000 + "-".join(["deadbeef"] * 8_000)
    assert compare_bodies(one, one.replace("12:00", "12:01") + "x", content_type="text/plain").differences


def test_more_text_than_is_looked_through_is_unverified() -> None:
    one = json.dumps(["x " * 200_000 + "2024-05-01T12:00:00Z"] * 8)
    found = compare_bodies(one, one.replace("T12:00:00", "T12:00:01"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "too much text" in found.detail


def test_many_descendant_steps_in_an_ignore_path_stay_linear() -> None:
    ignore = ignoring("$" + "..a" * 50 + ".b")
    one = '{"a":' * 120 + "1" + "}" * 120
    found = compare("GET", build_side(one), build_side(one.replace("1", "2")), ignore)
    assert found.outcome is ComparisonOutcome.MISMATCHED

"""Patterns match whole values in linear time, or are refused with an explanation."""

import json
import time
from typing import Any

import pytest
from darklaunch_comparator.compare import (
    ComparedResponse,
    Comparison,
    ComparisonOutcome,
    compare,
)
from darklaunch_comparator.compare.patterns import VALUE_BYTES, BadPattern, LinearPattern
from darklaunch_shared.wire.exchange import Response

from tests.support.rules import ruled


def compared(one: Any, other: Any, **rules: Any) -> Comparison:
    def side(document: Any) -> ComparedResponse:
        return ComparedResponse(
            Response(200, (("content-type", "application/json"),), json.dumps(document).encode(), 1.0), "", 0
        )

    return compare("GET", side(one), side(other), ruled(**rules))


def test_a_pattern_that_backtracks_elsewhere_is_matched_in_linear_time() -> None:
    rules = {"ignore": [{"path": "$", "pattern": "(a+)+$"}]}
    started = time.process_time()
    for length in (30, 3_000, 300_000):
        assert compared("b", "a" * length + "!", **rules).outcome is ComparisonOutcome.MISMATCHED
    assert compared("b", "a" * 3_000, **rules).outcome is ComparisonOutcome.IGNORED
    assert time.process_time() - started < 5  # a backtracking engine needs longer than the universe has


def test_no_pattern_fits_a_value_past_the_bound() -> None:
    assert LinearPattern("a*").matches(b"a" * VALUE_BYTES)
    assert not LinearPattern("a*").matches(b"a" * (VALUE_BYTES + 1))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(?=a)b", "no look-ahead"),
        ("(?<!a)b", "no look-ahead and no look-behind"),
        (r"(a)\1", "no back-references"),
        ("a{5000}", "at most 1,000 times"),
        ("((a{100}){100}){100}", "at most 1,000 times"),
        ("(", "missing )"),
        ("[z-a]", "invalid character class range"),
        ("a" * 501, "longer than the 500 characters"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_a_pattern_that_the_engine_does_not_take_is_explained(pattern: str, words: str) -> None:
    with pytest.raises(BadPattern, match=r".") as refused:
        LinearPattern(pattern)
    assert words in str(refused.value)

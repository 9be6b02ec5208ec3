"""Texts that look alike and differ: what they differ in is named, and shown with escapes."""

import json

import pytest
from darklaunch_comparator.compare import ComparedResponse, Difference, compare, escape_unseen, name_unseen_difference
from darklaunch_shared.wire.exchange import Response


def find_difference(one: str, other: str, content_type: str) -> Difference:
    bodies = [json.dumps({"name": text}) if "json" in content_type else text for text in (one, other)]
    primary, shadow = (
        ComparedResponse(Response(200, (("content-type", content_type),), body.encode(), 1.0), "", 0) for body in bodies
    )
    (found,) = compare("GET", primary, shadow).differences
    return found


@pytest.mark.parametrize(
    ("one", "other", "primary", "shadow"),
    [
        ("caf\u00e9", "cafe\u0301", r'"caf\u00e9"', r'"cafe\u0301" (Unicode form)'),
        ("\uac00", "\u1100\u1161", r'"\uac00"', r'"\u1100\u1161" (Unicode form)'),
        ("ab", "a\u200bb", '"ab"', r'"a\u200bb" (invisible characters)'),
        ("ab", "\ufeffab", '"ab"', r'"\ufeffab" (invisible characters)'),
        ("a b", "a\u00a0b", '"a b"', r'"a\u00a0b" (kinds of space)'),
        ("a\nb", "a\r\nb", r'"a\nb"', r'"a\r\nb" (line ends)'),
        ("a", "a ", '"a"', '"a " (blanks at the end)'),
        ("caf\u00e9 b", "cafe\u0301\u00a0b ", r'"caf\u00e9 b"', r'"cafe\u0301\u00a0b " (nothing visible)'),
        ("caf\u00e9", "caf\u00e8", '"caf\u00e9"', '"caf\u00e8"'),
    ],
)
def test_a_difference_that_no_one_sees_is_escaped_and_named(one: str, other: str, primary: str, shadow: str) -> None:
    found = find_difference(one, other, "application/json")
    assert (found.primary, found.shadow) == (primary, shadow)


def test_lines_of_text_are_named_too() -> None:
    found = find_difference("one\ntwo\u00e9\n", "one\ntwoe\u0301\n", "text/plain")
    assert (found.primary, found.shadow) == (r'line 2: "two\u00e9"', r'line 2: "twoe\u0301" (Unicode form)')


def test_long_texts_are_not_looked_through() -> None:
    assert name_unseen_difference("\u00e9" * 20_001, "e\u0301" * 20_001) == ""


def test_blanks_at_the_end_are_escaped() -> None:
    assert escape_unseen("\u00e9 x \t") == r"\u00e9 x\x20\x09"

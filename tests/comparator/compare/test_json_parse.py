"""JSON texts are parsed exactly, in bounded time and memory."""

import json

import pytest
from darklaunch_comparator.compare import ComparisonOutcome, DifferenceKind

from tests.support.comparisons import compare_bodies

DEEP = 100_000


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")], ids=["arrays", "objects", "mixed"]
)
def test_a_body_nested_100_000_deep_is_unverified(opening: str, closing: str) -> None:
    one = opening * DEEP + "1" + closing * DEEP
    found = compare_bodies(one, one.replace("1", "2"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "128 deep" in found.detail


def test_a_body_nested_100_000_deep_and_never_closed_is_unverified() -> None:
    assert compare_bodies("[" * DEEP, '{"a":' * DEEP).outcome is ComparisonOutcome.UNVERIFIED


def test_a_deep_body_with_identical_bytes_is_matched() -> None:
    assert compare_bodies("[" * DEEP, "[" * DEEP).outcome is ComparisonOutcome.MATCHED


def test_brackets_in_text_are_no_depth() -> None:
    text = json.dumps("[" * 1_000 + '"' + "\\" * 7)
    found = compare_bodies(f'{{"a": {text}, "n": NaN}}', f'{{"a": {text}, "n": null}}')
    assert [(each.kind, each.path) for each in found.differences] == [(DifferenceKind.TYPE, "$.n")]


def test_megabytes_of_keys_are_unverified() -> None:
    one = "{" + ",".join([f'"{number}":1' for number in range(510_000)]) + "}"
    found = compare_bodies(one, one.replace("1}", "2}"))
    assert found.outcome is ComparisonOutcome.UNVERIFIED


@pytest.mark.parametrize("digits", [19, 310, 4_301, 5_000, 200_000])
def test_numbers_of_many_digits_are_compared_exactly(digits: int) -> None:
    one = "9" * digits
    assert compare_bodies(f"[{one}]", f"[ {one} ]").outcome is ComparisonOutcome.MATCHED
    (found,) = compare_bodies(f"[{one}]", f"[{one[:-1]}8]").differences
    assert (found.kind, found.path) == (DifferenceKind.VALUE, "$[0]")
    assert found.primary is not None and len(found.primary) < 200


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "1E99999999999999999999", "-1e999999999999"])
def test_exponents_past_all_bounds(number: str) -> None:
    assert compare_bodies(f"[{number}]", f"[{number} ]").outcome is ComparisonOutcome.MATCHED
    assert compare_bodies(f"[{number}]", "[12345678901234567890]").outcome is ComparisonOutcome.MISMATCHED


def test_unclosed_strings_full_of_escapes() -> None:
    text = b'{"a": NaN, ' + b"[" * 200 + b'"' + b'\\"' * 500_000
    assert compare_bodies(text, text + b" ").outcome is not ComparisonOutcome.MATCHED

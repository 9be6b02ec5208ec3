"""Hostile bodies end in bounded time and memory, as a named difference or as unverified."""

import gzip
import json
import tracemalloc

import brotli
import pytest
import zstandard
from darklaunch_comparator.compare import ComparedResponse, Comparison, ComparisonOutcome, DifferenceKind, compare
from darklaunch_comparator.content import INFLATED_CAP_BYTES, compute_cap_beside
from darklaunch_comparator.content.decompress import BESIDE_SMALL_BYTES, BESIDE_TIMES
from darklaunch_shared.wire.exchange import Response

from tests.support.rules import ignoring

BOMB_BYTES = 64 * 1024 * 1024
DEEP = 100_000


def side(body: bytes | str, content_type: str = "application/json", coding: str = "") -> ComparedResponse:
    content = body.encode() if isinstance(body, str) else body
    headers = (("content-type", content_type), *((("content-encoding", coding),) if coding else ()))
    return ComparedResponse(Response(200, headers, content, 1.0), "http://a.example", 1_714_564_800_000)


def compared(one: bytes | str, other: bytes | str, **how: str) -> Comparison:
    return compare("GET", side(one, **how), side(other, **how))


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")], ids=["arrays", "objects", "mixed"]
)
def test_a_body_nested_100_000_deep_is_unverified(opening: str, closing: str):
    one = opening * DEEP + "1" + closing * DEEP
    found = compared(one, one.replace("1", "2"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "128 deep" in found.detail


def test_a_body_nested_100_000_deep_and_never_closed_is_unverified():
    assert compared("[" * DEEP, '{"a":' * DEEP).outcome is ComparisonOutcome.UNVERIFIED


def test_a_deep_body_with_identical_bytes_is_matched():
    assert compared("[" * DEEP, "[" * DEEP).outcome is ComparisonOutcome.MATCHED


@pytest.mark.parametrize("depth", [129, 200, 254, 300, 990, 1023])
def test_a_difference_below_the_depth_that_is_walked_is_unverified(depth: int):
    one = "[" * depth + "1" + "]" * depth
    found = compared(one, one.replace("1", "2"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "128" in found.detail


def test_a_difference_at_the_depth_that_is_walked_is_found():
    one = "[" * 128 + "1" + "]" * 128
    (found,) = compared(one, one.replace("1", "2")).differences
    assert found.path == "$" + "[0]" * 128
    assert (found.kind, found.primary, found.shadow) == (DifferenceKind.VALUE, "1", "2")


def test_brackets_in_text_are_no_depth():
    text = json.dumps("[" * 1_000 + '"' + "\\" * 7)
    found = compared(f'{{"a": {text}, "n": NaN}}', f'{{"a": {text}, "n": null}}')
    assert [(each.kind, each.path) for each in found.differences] == [(DifferenceKind.TYPE, "$.n")]


def test_a_known_difference_outweighs_what_lies_too_deep():
    deep = "[" * 200 + "1" + "]" * 200
    found = compared(f'{{"deep": {deep}, "total": 1}}', f'{{"deep": {deep.replace("1", "2")}, "total": 2}}')
    assert found.outcome is ComparisonOutcome.MISMATCHED
    assert [each.path for each in found.differences] == ["$.total"]
    assert "128" in found.detail


def test_more_than_100_000_nodes_that_are_not_the_same_are_unverified():
    found = compared(json.dumps([0] * 60_000), json.dumps([0] * 59_999 + [1]))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "100,000" in found.detail


def test_fewer_nodes_are_compared():
    found = compared(json.dumps([0] * 49_000), json.dumps([0] * 48_999 + [1]))
    assert [each.path for each in found.differences] == ["$[48999]"]


@pytest.mark.parametrize(("length", "kind"), [(49_000, DifferenceKind.ORDER), (48_999, DifferenceKind.SIZE)])
def test_arrays_of_tens_of_thousands_are_aligned(length: int, kind: DifferenceKind):
    (found,) = compared(json.dumps([*range(49_000)]), json.dumps([*reversed(range(length))])).differences
    assert (found.kind, found.path) == (kind, "$")


def test_more_than_100_000_nodes_written_otherwise_are_matched():
    document = {f"{number}": 1 for number in range(110_000)}
    assert compared(json.dumps(document), json.dumps(document, indent=1)).outcome is ComparisonOutcome.MATCHED


def test_megabytes_of_keys_are_unverified():
    one = "{" + ",".join([f'"{number}":1' for number in range(510_000)]) + "}"
    found = compared(one, one.replace("1}", "2}"))
    assert found.outcome is ComparisonOutcome.UNVERIFIED


def test_thousands_of_differences_are_counted_and_each_group_has_an_example():
    one = {"rows": [{"a": number, "b": number} for number in range(2_000)], "last": 1}
    other = {"rows": [{"a": number + 1, "b": str(number)} for number in range(2_000)], "last": 2}
    found = compared(json.dumps(one), json.dumps(other))
    assert len(found.differences) + found.omitted == 4_001
    assert len(found.differences) < 110
    assert {each.group_path for each in found.differences} == {"$.rows[*].a", "$.rows[*].b", "$.last"}


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb_never_reaches_memory(coding: str):
    code = {"gzip": gzip.compress, "br": lambda body: brotli.compress(body, quality=5), "zstd": zstandard.compress}
    one, other = code[coding](b" " * BOMB_BYTES), code[coding](b"\n" * BOMB_BYTES)

    tracemalloc.start()
    both = compared(one, other, coding=coding)
    one_sided = compare("GET", side("{}"), side(other, coding=coding))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (both.outcome, both.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert f"{INFLATED_CAP_BYTES:,}" in both.detail
    assert [(each.kind, each.path) for each in one_sided.differences] == [(DifferenceKind.ENCODING, "$")]
    assert peak_bytes < 5 * INFLATED_CAP_BYTES


def test_a_body_is_not_inflated_far_past_what_it_is_compared_with():
    small, large = side(json.dumps(list(range(200_000)))), gzip.compress(json.dumps(list(range(300_000))).encode())
    (place,) = compare("GET", side("[]"), side(large, coding="gzip")).differences
    assert (place.kind, place.shadow) == (DifferenceKind.ENCODING, f"inflates past {BESIDE_SMALL_BYTES:,} bytes")
    assert DifferenceKind.ENCODING not in {
        each.kind for each in compare("GET", small, side(large, coding="gzip")).differences
    }
    assert compute_cap_beside(100_000) == BESIDE_TIMES * 100_000


def test_thousands_of_gzip_members_are_unverified():
    found = compared(gzip.compress(b"") * 10_000, gzip.compress(b"a"), coding="gzip")
    assert found.outcome is ComparisonOutcome.UNVERIFIED and "members" in found.detail


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_truncated_body_is_an_encoding_difference(coding: str):
    whole = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress, "deflate": gzip.zlib.compress}[
        coding
    ](b'{"a": "some text that is long enough"}')
    (found,) = compared(whole, whole[:-5], coding=coding).differences
    assert found.kind is DifferenceKind.ENCODING
    assert found.primary is not None and "some text" in found.primary
    assert found.shadow is not None and "ends too early" in found.shadow


@pytest.mark.parametrize("digits", [19, 310, 4_301, 5_000, 200_000])
def test_numbers_of_many_digits_are_compared_exactly(digits: int):
    one = "9" * digits
    assert compared(f"[{one}]", f"[ {one} ]").outcome is ComparisonOutcome.MATCHED
    (found,) = compared(f"[{one}]", f"[{one[:-1]}8]").differences
    assert (found.kind, found.path) == (DifferenceKind.VALUE, "$[0]")
    assert found.primary is not None and len(found.primary) < 200


@pytest.mark.parametrize("number", ["1e999999999", "1e-999999999", "1E99999999999999999999", "-1e999999999999"])
def test_exponents_past_all_bounds(number: str):
    assert compared(f"[{number}]", f"[{number} ]").outcome is ComparisonOutcome.MATCHED
    assert compared(f"[{number}]", "[12345678901234567890]").outcome is ComparisonOutcome.MISMATCHED


def test_names_and_values_of_megabytes_give_short_paths_and_renderings():
    name, value = "k" * 2_000_000, "v" * 2_000_000
    (found,) = compared(json.dumps({name: value}), json.dumps({name: value + "w"})).differences
    assert len(found.path) <= 400 and len(found.group_path) <= 400
    assert found.primary is not None and found.shadow is not None
    assert len(found.primary) < 400 and found.primary != found.shadow


def test_long_paths_of_different_places_stay_different():
    one = {"n" * 500 + "a": 1, "n" * 500 + "b": 1}
    paths = {each.path for each in compared(json.dumps(one), json.dumps(dict.fromkeys(one, 2))).differences}
    assert len(paths) == 2


def test_thousands_of_differences_under_a_name_of_megabytes():
    one = json.dumps({"k" * 2_000_000: [[0]] * 9_000})
    found = compared(one, one.replace("[0]", "[1]"))
    assert len(found.differences) + found.omitted == 9_000
    assert all(len(each.path) <= 400 for each in found.differences)


def test_more_than_20_000_ignored_differences_are_unverified():
    one = json.dumps([[0]] * 20_001)
    found = compare("GET", side(one), side(one.replace("0", "1")), ignoring("$..x", "$[*]"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "20,000 places" in found.detail


def test_a_header_of_white_space():
    sides = [
        ComparedResponse(
            Response(200, (("content-disposition", "a" + " " * spaces + "b"), ("vary", " " * spaces)), b"", 1.0), "", 0
        )
        for spaces in (60_000, 60_001)
    ]
    assert compare("GET", *sides).outcome is ComparisonOutcome.MATCHED


def test_unclosed_strings_full_of_escapes():
    text = b'{"a": NaN, ' + b"[" * 200 + b'"' + b'\\"' * 500_000
    assert compared(text, text + b" ").outcome is not ComparisonOutcome.MATCHED


def test_text_of_a_million_lines():
    text = b"line\n" * 1_000_000
    (found,) = compared(text + b"a", b"b\n" + text, content_type="text/plain").differences
    assert found.kind is DifferenceKind.TEXT and found.primary is not None and len(found.primary) < 400


def test_text_that_looks_volatile_all_over():
    one = "2024-05-01T12:00:00Z-" * 8_000 + "a1B2" * 8_000 + "-".join(["deadbeef"] * 8_000)
    assert compared(one, one.replace("12:00", "12:01") + "x", content_type="text/plain").differences


def test_more_text_than_is_looked_through_is_unverified():
    one = json.dumps(["x " * 200_000 + "2024-05-01T12:00:00Z"] * 8)
    found = compared(one, one.replace("T12:00:00", "T12:00:01"))
    assert (found.outcome, found.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert "too much text" in found.detail


def test_a_form_of_too_many_fields_is_unverified():
    form = "application/x-www-form-urlencoded"
    assert compared("a=1&" * 20_000, "b=1&" * 20_000, content_type=form).outcome is ComparisonOutcome.UNVERIFIED


def test_many_descendant_steps_in_an_ignore_path_stay_linear():
    ignore = ignoring("$" + "..a" * 50 + ".b")
    one = '{"a":' * 120 + "1" + "}" * 120
    found = compare("GET", side(one), side(one.replace("1", "2")), ignore)
    assert found.outcome is ComparisonOutcome.MISMATCHED

"""Codings are undone up to a cap; what cannot be undone is a named difference or unverified."""

import gzip
import json
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from darklaunch_comparator.compare import ComparisonOutcome, DifferenceKind, compare
from darklaunch_comparator.content import INFLATED_CAP_BYTES, compute_cap_beside
from darklaunch_comparator.content.decompress import BESIDE_SMALL_BYTES, BESIDE_TIMES

from tests.support.comparisons import build_side, compare_bodies

BOMB_BYTES = 64 * 1024 * 1024


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb_never_reaches_memory(coding: str) -> None:
    code = {"gzip": gzip.compress, "br": lambda body: brotli.compress(body, quality=5), "zstd": zstandard.compress}
    one, other = code[coding](b" " * BOMB_BYTES), code[coding](b"\n" * BOMB_BYTES)

    tracemalloc.start()
    both = compare_bodies(one, other, coding=coding)
    one_sided = compare("GET", build_side("{}"), build_side(other, coding=coding))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (both.outcome, both.differences) == (ComparisonOutcome.UNVERIFIED, ())
    assert f"{INFLATED_CAP_BYTES:,}" in both.detail
    assert [(each.kind, each.path) for each in one_sided.differences] == [(DifferenceKind.ENCODING, "$")]
    assert peak_bytes < 5 * INFLATED_CAP_BYTES


def test_a_body_is_not_inflated_far_past_what_it_is_compared_with() -> None:
    small, large = (
        build_side(json.dumps(list(range(200_000)))),
        gzip.compress(json.dumps(list(range(300_000))).encode()),
    )
    (place,) = compare("GET", build_side("[]"), build_side(large, coding="gzip")).differences
    assert (place.kind, place.shadow) == (DifferenceKind.ENCODING, f"inflates past {BESIDE_SMALL_BYTES:,} bytes")
    assert DifferenceKind.ENCODING not in {
        each.kind for each in compare("GET", small, build_side(large, coding="gzip")).differences
    }
    assert compute_cap_beside(100_000) == BESIDE_TIMES * 100_000


def test_thousands_of_gzip_members_are_unverified() -> None:
    found = compare_bodies(gzip.compress(b"") * 10_000, gzip.compress(b"a"), coding="gzip")
    assert found.outcome is ComparisonOutcome.UNVERIFIED and "members" in found.detail


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_truncated_body_is_an_encoding_difference(coding: str) -> None:
    whole = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress, "deflate": zlib.compress}[
        coding
    ](b'{"a": "some text that is long enough"}')
    (found,) = compare_bodies(whole, whole[:-5], coding=coding).differences
    assert found.kind is DifferenceKind.ENCODING
    assert found.primary is not None and "some text" in found.primary
    assert found.shadow is not None and "ends too early" in found.shadow

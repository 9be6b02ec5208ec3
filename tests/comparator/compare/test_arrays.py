"""Which elements of two arrays belong together."""

import json

import pytest
from darklaunch_comparator.compare import DifferenceKind

from tests.support.comparisons import compare_bodies


@pytest.mark.parametrize(("length", "kind"), [(49_000, DifferenceKind.ORDER), (48_999, DifferenceKind.SIZE)])
def test_arrays_of_tens_of_thousands_are_aligned(length: int, kind: DifferenceKind) -> None:
    (found,) = compare_bodies(json.dumps([*range(49_000)]), json.dumps([*reversed(range(length))])).differences
    assert (found.kind, found.path) == (kind, "$")

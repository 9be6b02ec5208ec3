"""What noise may excuse, and what never."""

import pytest
from darklaunch_comparator.compare import DifferenceKind, ExcuseReason, KnownNoise, compare, noise_may_excuse

from tests.support.comparisons import build_side


@pytest.mark.parametrize(
    "kind", [DifferenceKind.STATUS, DifferenceKind.MISSING, DifferenceKind.EXTRA, DifferenceKind.TYPE]
)
def test_presence_type_and_status_are_never_noise(kind: DifferenceKind) -> None:
    assert not noise_may_excuse("$.a", kind)
    assert not noise_may_excuse("header:content-type", DifferenceKind.HEADER)


def test_only_another_value_is_excused_at_a_volatile_place() -> None:
    noise = KnownNoise(volatile=frozenset({"$.rows[*].n"}))
    primary = build_side('{"rows": [{"n": 1}, {"n": 2}]}')
    comparison = compare("GET", primary, build_side('{"rows": [{"n": 7}, {"n": "2"}]}'), noise=noise)
    assert [(difference.path, difference.kind) for difference in comparison.differences] == [
        ("$.rows[1].n", DifferenceKind.TYPE)
    ]
    assert [(excuse.path, excuse.reason) for excuse in comparison.excuses] == [("$.rows[*].n", ExcuseReason.NOISE)]


def test_no_identifier_is_excused_where_a_version_repeats_its_own() -> None:
    primary = build_side('{"id": "507f1f77bcf86cd799439011", "etag": "507f1f77bcf86cd799439011"}')
    shadow = build_side('{"id": "60c72b2f9b1d8e5a4c3f2e1d", "etag": "60c72b2f9b1d8e5a4c3f2e1d"}')
    comparison = compare("GET", primary, shadow, noise=KnownNoise(identical=frozenset({"$.etag"})))
    assert [difference.path for difference in comparison.differences] == ["$.etag"]
    assert [(excuse.path, excuse.reason) for excuse in comparison.excuses] == [("$.id", ExcuseReason.GENERATED_ID)]

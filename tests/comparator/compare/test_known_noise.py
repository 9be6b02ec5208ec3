"""What noise may excuse, and what never."""

from dataclasses import replace
from typing import Any

import pytest
from darklaunch_comparator.compare import (
    DifferenceKind,
    ExcuseReason,
    KnownNoise,
    NoiseAspect,
    compare,
    make_noise_key,
    name_noise_key,
)
from psycopg import Connection

from tests.support.comparisons import build_side


@pytest.mark.parametrize("kind", DifferenceKind)
def test_noise_in_one_respect_excuses_nothing_in_another(kind: DifferenceKind) -> None:
    aspect = make_noise_key("$.a", kind)[1]
    for known in NoiseAspect:
        noise = KnownNoise(volatile=frozenset({("$.a", known)}))
        assert noise.excuses("$.a", kind) == (known is aspect)
        assert not noise.excuses("$.ab", kind)


def test_what_stands_in_an_array_whose_length_is_noise_is_noise() -> None:
    noise = KnownNoise(volatile=frozenset({("$.a[*].l", NoiseAspect.SIZE)}))
    assert noise.excuses("$.a[*].l[*].x[*]", DifferenceKind.TYPE)
    assert not noise.excuses("$.a[*].lx[*]", DifferenceKind.VALUE)
    assert not noise.excuses("$.a[*].l", DifferenceKind.MISSING)


def test_a_flapping_status_or_header_can_be_noise() -> None:
    keys = {("status", NoiseAspect.STATUS), ("header:vary", NoiseAspect.PRESENCE)}
    primary = build_side("{}")
    shadow = replace(primary, response=replace(primary.response, status=503))
    assert compare("GET", primary, shadow, noise=KnownNoise(volatile=frozenset(keys))).differences == ()
    assert [name_noise_key(key) for key in sorted(keys)] == ["header:vary presence", "status"]


def test_the_schema_names_the_same_respects(connection: Connection[Any]) -> None:
    for kind in DifferenceKind:
        row = connection.execute("SELECT darklaunch.noise_aspect(%s)", [kind.value]).fetchone()
        assert row == (make_noise_key("$.a", kind)[1].value,)


def test_only_another_value_is_excused_at_a_volatile_place() -> None:
    noise = KnownNoise(volatile=frozenset({("$.rows[*].n", NoiseAspect.VALUE)}))
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

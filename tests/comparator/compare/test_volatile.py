"""Why two texts that differ may differ: by origin, by the clock, by an identifier made up anew."""

import pytest
from darklaunch_comparator.compare import ComparedResponse, ExcuseReason
from darklaunch_comparator.compare.volatile import VolatileValues, changed_format
from darklaunch_comparator.places import ROOT
from darklaunch_shared.wire.exchange import Response

RESPONSE = Response(200, (), b"", 1.0)
NOON_MS = 1_714_564_800_000


@pytest.fixture
def volatile() -> VolatileValues:
    """The primary responded at noon, the shadow three seconds later."""
    primary = ComparedResponse(RESPONSE, "http://shop.example", NOON_MS)
    return VolatileValues(primary, ComparedResponse(RESPONSE, "http://10.0.3.7:8000", NOON_MS + 3_000))


@pytest.mark.parametrize(
    ("primary", "shadow", "reasons"),
    [
        ("http://shop.example/a", "http://10.0.3.7:8000/a", (ExcuseReason.OWN_ORIGIN,)),
        ("http://shop.example/a", "http://10.0.3.7:8000/b", ()),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:03Z", (ExcuseReason.CLOCK,)),
        ("2023-01-01T12:00:00Z", "2024-05-01T12:00:03Z", ()),
        ("order 507f1f77bcf86cd799439011", "order 60c72b2f9b1d8e5a4c3f2e1d", (ExcuseReason.GENERATED_ID,)),
        ("order 507f1f77bcf86cd799439011", "an order 60c72b2f9b1d8e5a4c3f2e1d", ()),
        (
            "http://shop.example/507f1f77bcf86cd799439011",
            "http://10.0.3.7:8000/60c72b2f9b1d8e5a4c3f2e1d",
            (ExcuseReason.OWN_ORIGIN, ExcuseReason.GENERATED_ID),
        ),
        ("short", "other", ()),
    ],
)
def test_texts(volatile: VolatileValues, primary: str, shadow: str, reasons: tuple[ExcuseReason, ...]) -> None:
    assert volatile.explain_texts(primary, shadow) == reasons


def test_numbers_are_excused_only_as_times_that_moved(volatile: VolatileValues) -> None:
    created_at, order_id = ROOT.key("created_at"), ROOT.key("order_id")
    assert volatile.explain_numbers(1_714_564_800, 1_714_564_803, created_at) == (ExcuseReason.CLOCK,)
    assert volatile.explain_numbers(1_714_564_800, 1_714_564_803, created_at.index(0)) == (ExcuseReason.CLOCK,)
    assert volatile.explain_numbers(1_714_564_800, 1_714_564_803, order_id) == ()
    assert volatile.explain_numbers(1_714_564_800, 1_714_564_803) == ()
    assert volatile.explain_numbers(1_714_564_800, 1_714_600_000, created_at) == ()
    assert volatile.explain_numbers(17, 20) == ()


def test_another_format_of_time_is_another_type() -> None:
    assert changed_format("2024-05-01T12:00:00Z", "2024-05-01T12:00:00+00:00")
    assert changed_format(1_714_564_800, 1_714_564_800_000)
    assert not changed_format("2024-05-01T12:00:00Z", "2024-05-01T12:00:03Z")

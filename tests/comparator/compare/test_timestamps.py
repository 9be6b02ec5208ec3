"""Which texts are times, and which two times moved with the clock."""

import pytest
from darklaunch_comparator.compare import timestamps


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2024-05-01T12:00:00Z", 1714564800000),
        ("2024-05-01T14:00:00.250+02:00", 1714564800250),
        ("2024-05-01T10:30:00-0130", 1714564800000),
        ("2024-05-01 12:00:00", 1714564800000),
        ("2024-05-01T12:00Z", 1714564800000),
        ("20240501T120000Z", 1714564800000),
        ("2024-05-01T12:00:00,123456789Z", 1714564800123.456789),
        ("2024-05-01", 1714521600000),
        ("Wed, 01 May 2024 12:00:00 GMT", 1714564800000),
        ("1714564800", 1714564800000),
        ("1714564800.5", 1714564800500),
        ("1714564800000", 1714564800000),
    ],
)
def test_times(text: str, at_ms: float) -> None:
    found = timestamps.parse_timestamp(text)
    assert found is not None and found.at_ms == pytest.approx(at_ms, abs=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "2024-13-01",
        "2024-02-30T00:00:00Z",
        "2024-05-01T12",
        "12:00:00",
        "tomorrow at noon",
        "0714564800",
        "2024.05.01",
        "9" * 40,
        "",
    ],
)
def test_not_times(text: str) -> None:
    assert timestamps.parse_timestamp(text) is None


@pytest.mark.parametrize(
    ("primary", "shadow", "moved"),
    [
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:03Z", True),
        ("2024-05-01T13:00:00Z", "2024-05-01T13:00:07Z", True),  # an expiry an hour ahead
        ("2024-05-01T13:00:00Z", "2024-05-01T13:00:09Z", False),
        ("2024-05-01T11:56:00Z", "2024-05-01T12:04:00Z", True),  # each is about its own answer's now
        ("2024-05-01T12:00:00Z", "2024-05-01T13:00:03Z", False),  # the primary's alone is
        ("2024-05-01T11:00:00Z", "2024-05-01T12:00:03Z", False),  # the shadow's alone is
        ("2024-05-01T11:56:00", "2024-05-01T12:04:00", True),  # the same without a zone
        ("2024-05-01T05:00:00", "2024-05-01T05:00:03", True),  # local time
        ("2024-04-24T08:13:07Z", "2024-04-24T08:13:08Z", False),  # stored, and a second apart
        ("1714564800", "1714564803", True),
        ("1714564800", "1714564809", False),  # a number that did not move as the clock did
        ("2024-05-01", "2024-05-01", True),
        ("2024-05-01", "2024-05-02", False),
    ],
)
def test_times_that_move_with_the_clock(primary: str, shadow: str, moved: bool) -> None:
    """The primary answers at 12:00:00, the shadow 3 s later."""
    one, other = timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow)
    assert one is not None and other is not None
    assert timestamps.moved_with_clock(one, other, 1714564800000, 1714564803000) is moved

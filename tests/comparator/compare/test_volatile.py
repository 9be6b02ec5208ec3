"""Which strings are times and which are made-up identifiers."""

import pytest
from darklaunch_comparator.compare import identifier_shape, timestamps
from darklaunch_comparator.compare.origin import replace_origin


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
def test_times(text: str, at_ms: float):
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
def test_not_times(text: str):
    assert timestamps.parse_timestamp(text) is None


@pytest.mark.parametrize(
    "word",
    [
        "9b2f9e0a-9b8d-4b1e-9d70-0a3bb1f9a8f1",
        "01HWXP3Z8Q4M6T2V5N7R9B1C3D",
        "507f1f77bcf86cd799439011",
        "V1StGXR8_Z5jdHi6B-myT",
        "cjld2cjxh0000qzrmn831i7rn",
        "2N9VjVfMRXnPhqPLJRxfiwRzbZt",
        "req_9f86d081884c7d65",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
    ],
)
def test_identifiers(word: str):
    assert identifier_shape.find_identifier_shape(word) is not None


@pytest.mark.parametrize(
    "word",
    [
        "internationalization",
        "the-quick-brown-fox-jumps-over",
        "THE_QUICK_BROWN_FOX_JUMPS",
        "1234567890123456",
        "customer_shipping_address",
        "ProductDescriptionTemplate",
        "deadbeefdeadbeefdead",
        "order-2024-summer-sale-01",
        "short1A",
        "",
    ],
)
def test_words(word: str):
    assert identifier_shape.find_identifier_shape(word) is None


def test_an_origin_is_only_cut_where_a_url_of_it_stands():
    origin = "http://shop.example"
    assert replace_origin("see http://shop.example/a.", origin) == "see \x02/a."
    assert replace_origin("http%3A%2F%2Fshop.example%2Fa", origin) == "\x02%2Fa"
    for other in (
        "http://shop.example.org/a",
        "http://shop.example:81/a",
        "http://shop.examples/a",
        "https://shop.example/",
    ):
        assert replace_origin(other, origin) == other
    assert replace_origin("anything", "") == "anything"


@pytest.mark.parametrize(
    ("primary", "shadow", "moved"),
    [
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:03Z", True),
        ("2024-05-01T13:00:00Z", "2024-05-01T13:00:07Z", True),  # an expiry an hour ahead
        ("2024-05-01T13:00:00Z", "2024-05-01T13:00:09Z", False),
        ("2024-05-01T11:56:00Z", "2024-05-01T12:04:00Z", True),  # each is about its own answer's now
        ("2024-05-01T12:00:00Z", "2024-05-01T13:00:03Z", False),  # the primary's alone is
        ("2024-05-01T11:00:00Z", "2024-05-01T12:00:03Z", False),  # the shadow's alone is
        ("2024-05-01T11:56:00", "2024-05-01T12:04:00", False),  # and nobody knows of which zone
        ("2024-05-01", "2024-05-01", True),
        ("2024-05-01", "2024-05-02", False),
    ],
)
def test_times_that_move_with_the_clock(primary: str, shadow: str, moved: bool):
    """The primary answers at 12:00:00, the shadow 3 s later."""
    one, other = timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow)
    assert one is not None and other is not None
    assert timestamps.moved_with_clock(one, other, 1714564800000, 1714564803000) is moved

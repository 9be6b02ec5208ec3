"""Which words are made-up identifiers."""

import pytest
from darklaunch_comparator.compare import identifier_shape


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
def test_identifiers(word: str) -> None:
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
def test_words(word: str) -> None:
    assert identifier_shape.find_identifier_shape(word) is None

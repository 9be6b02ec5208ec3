"""Columns of credentials are masked in a table, and every other byte of it stays."""

import pytest
from darklaunch_comparator.masking import ExchangeMasker, MaskPlaces
from darklaunch_shared.wire.exchange import Headers

from tests.support.masking import MASKER, mask_body

CSV: Headers = (("content-type", "text/csv"),)


@pytest.mark.parametrize(
    ("before", "secret", "after"),
    [
        ("user,password\r\nada,", "hunter2", "\r\nbob,\r\n"),
        ('"api key";"n"\n', '"hunt;er""2"', ';"1"\n'),
        ("\ufefftoken|n\n", "hunter2", "|1"),
        ("url,n\n", "https://x/?token=hunter2", ",1\n"),
    ],
)
def test_a_column_is_masked(before: str, secret: str, after: str) -> None:
    masked = mask_body(f"{before}{secret}{after}".encode(), CSV).decode()
    assert masked.startswith(before) and masked.endswith(after)
    assert "er2" not in masked and "[masked:" in masked
    assert mask_body(masked.encode(), CSV).decode() == masked


def test_a_column_is_masked_by_rule() -> None:
    masker = ExchangeMasker(b"s", MaskPlaces.parse(["$[*].phone"]))
    masked = mask_body(b"name,phone\nada,030 1234567\n", CSV, masker)
    assert masked.startswith(b"name,phone\nada,[masked:") and b"1234567" not in masked


def test_without_names_it_is_text() -> None:
    assert b"hunter2" not in mask_body(b"1,2\npassword=hunter2,3\n", CSV, MASKER)

"""Text in any charset becomes UTF-8, or is refused if it is not text in that charset."""

import pytest
from darklaunch_comparator.content import CorruptBody, to_text, to_utf8


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("Zoë".encode(), ""),
        ("Zoë".encode("latin-1"), "iso-8859-1"),
        ("Zoë".encode("utf-16"), ""),
        (b"\xef\xbb\xbf" + "Zoë".encode(), "utf-8"),
        ("Zoë".encode("utf-16"), "utf-8"),
    ],
)
def test_a_byte_order_mark_goes_before_the_charset_that_is_named(content: bytes, charset: str) -> None:
    assert to_utf8(content, charset) == "Zoë".encode()


def test_a_codec_that_is_not_a_charset_is_never_run() -> None:
    assert to_utf8(b"abc", "zlib") == b"abc"


def test_bytes_that_are_not_text_in_their_charset_are_refused() -> None:
    with pytest.raises(CorruptBody, match="utf-16"):
        to_utf8(b"\xff\xfe\x00", "utf-16")
    with pytest.raises(CorruptBody, match="byte 2"):
        to_text(b"a\xff")

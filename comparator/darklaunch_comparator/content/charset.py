"""The text of a body in UTF-8, whatever its charset."""

import re
from typing import Final

from .errors import CorruptBody

_CHARSETS: Final = re.compile(
    r"utf-?(8|16|32)(-?[bl]e)?|(us-)?ascii|iso[-_]?8859[-_]\d{1,2}|latin-?[1-9]|(windows|cp)-?125\d|koi8-[ru]"
    r"|shift[-_]?jis|sjis|cp932|euc[-_]?(jp|kr)|iso-2022-jp|gb(2312|k|18030)|big5(-hkscs)?|macintosh|mac-roman"
)
"""Charsets that Python decodes in linear time. Its registry also holds codecs that are no charset (zlib, punycode)."""

_UTF8: Final = {"", "utf-8", "utf8", "us-ascii", "ascii"}
_BOMS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_BOM_STARTS: Final = (b"\xef", b"\xff", b"\xfe", b"\x00")


def to_utf8(content: bytes, charset: str) -> bytes:
    """Re-encode text to UTF-8 without byte order mark. UTF-8 comes back unchecked.

    An unknown charset is taken for UTF-8. Raises CorruptBody if the bytes are not text in their charset.
    """
    if charset in _UTF8 and content[:1] not in _BOM_STARTS:
        return content
    if content.startswith(b"\xef\xbb\xbf"):
        return content[3:]
    for mark, marked_charset in _BOMS:
        if content.startswith(mark):
            charset = marked_charset
            break
    if charset in _UTF8 or not _CHARSETS.fullmatch(charset):
        return content
    try:
        return content.decode(charset).removeprefix("\ufeff").encode()
    except (UnicodeError, LookupError):
        raise CorruptBody(f"not text in {charset}") from None


def to_text(content: bytes) -> str:
    """Decode UTF-8. Raises CorruptBody if the bytes are not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CorruptBody(f"not text in utf-8 (byte {error.start + 1:,})") from None

"""What a body is, by its Content-Type, and its text in UTF-8."""

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from .decompress import CorruptBody


class BodyFamily(IntEnum):
    """How a body is compared; the greater says more about it, and wins when two sides disagree."""

    UNSTATED = 0  # no content type: a look at the bytes decides
    BINARY = 1
    TEXT = 2
    FORM = 3
    LINES = 4  # JSON documents, one a line
    JSON = 5


@dataclass(frozen=True, slots=True)
class MediaType:
    """A parsed Content-Type: media type in lower case, charset in lower case or "", and the family it belongs to."""

    type: str
    charset: str
    family: BodyFamily


_LINES: Final = {
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonl",
    "application/jsonlines", "application/x-jsonlines", "application/json-lines", "application/json-seq",
}  # fmt: skip
_JSON: Final = {"application/json", "text/json", "application/x-json"}
_TEXT: Final = {
    "application/xml", "application/javascript", "application/x-javascript", "application/ecmascript",
    "application/yaml", "application/x-yaml", "application/toml", "application/sql", "application/graphql",
}  # fmt: skip
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^\s";,]{1,40})', re.IGNORECASE)
_CHARSETS: Final = re.compile(
    r"utf-?(8|16|32)(-?[bl]e)?|(us-)?ascii|iso[-_]?8859[-_]\d{1,2}|latin-?[1-9]|(windows|cp)-?125\d|koi8-[ru]"
    r"|shift[-_]?jis|sjis|cp932|euc[-_]?(jp|kr)|iso-2022-jp|gb(2312|k|18030)|big5(-hkscs)?|macintosh|mac-roman"
)
"""Charsets that Python decodes in linear time. Its registry also holds codecs that are none (zlib, punycode)."""

_UTF8: Final = {"", "utf-8", "utf8", "us-ascii", "ascii"}
_BOMS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_TYPE_CHARS: Final = 1_000
"""How much of a Content-Type is read, and remembered."""

_BOM_STARTS: Final = (b"\xef", b"\xff", b"\xfe", b"\x00")


def parse(content_type: str) -> MediaType:
    """Read a Content-Type value; any text will do."""
    return _parse(content_type[:_TYPE_CHARS])


@lru_cache(maxsize=512)
def _parse(content_type: str) -> MediaType:
    kind = content_type.partition(";")[0].strip().lower()
    charset = _CHARSET.search(content_type)
    return MediaType(kind, charset[1].lower() if charset else "", _family(kind))


def family_of(primary: MediaType, shadow: MediaType, theirs: bytes, ours: bytes) -> BodyFamily:
    """Choose how two bodies are compared: the one way that fits the side that says more about its body."""
    family = primary.family if primary is shadow else max(primary.family, shadow.family)
    if family is not BodyFamily.UNSTATED:
        return family
    if _looks_like_json(theirs) and _looks_like_json(ours):
        return BodyFamily.JSON
    return BodyFamily.TEXT if _is_text(theirs) and _is_text(ours) else BodyFamily.BINARY


def to_utf8(content: bytes, charset: str) -> bytes:
    """Re-encode text to UTF-8 without byte order mark. UTF-8 comes back unchecked.

    Raises Corrupt when the bytes are not text in their charset. An unknown charset is taken for UTF-8.
    """
    if charset in _UTF8 and content[:1] not in _BOM_STARTS:
        return content
    if content.startswith(b"\xef\xbb\xbf"):
        return content[3:]
    for mark, named in _BOMS:
        if content.startswith(mark):
            charset = named
            break
    if charset in _UTF8 or not _CHARSETS.fullmatch(charset):
        return content
    try:
        return content.decode(charset).removeprefix("\ufeff").encode()
    except (UnicodeError, LookupError):
        raise CorruptBody(f"not text in {charset}") from None


def to_text(content: bytes) -> str:
    """Decode UTF-8. Raises Corrupt when it is not."""
    try:
        return content.decode()
    except UnicodeDecodeError as wrong:
        raise CorruptBody(f"not text in utf-8 (byte {wrong.start + 1:,})") from None


def _family(kind: str) -> BodyFamily:
    if kind in _JSON or kind.endswith("+json"):
        return BodyFamily.JSON
    if kind in _LINES:
        return BodyFamily.LINES
    if kind == "application/x-www-form-urlencoded":
        return BodyFamily.FORM
    if kind.startswith("text/") or kind in _TEXT or kind.endswith(("+xml", "+yaml")):
        return BodyFamily.TEXT
    return BodyFamily.BINARY if kind else BodyFamily.UNSTATED


def _looks_like_json(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _is_text(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True

"""What a body is, by the header fields that describe it or else by a look at its bytes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final


class BodyFamily(IntEnum):
    """How a body is read; the greater says more about it, and wins where two sides disagree."""

    UNSTATED = 0  # no content type, or one that only sounds like JSON: a look at the bytes decides
    BINARY = 1
    TEXT = 2
    CSV = 3
    XML = 4
    HTML = 5
    MULTIPART = 6
    FORM = 7
    LINES = 8  # JSON documents, one a line
    JSON = 9


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
_HTML: Final = {"text/html", "application/xhtml+xml"}
_XML: Final = {"application/xml", "text/xml"}
_CSV: Final = {"text/csv", "application/csv", "text/x-csv", "text/tab-separated-values"}
_TEXT: Final = {
    "application/javascript", "application/x-javascript", "application/ecmascript",
    "application/yaml", "application/x-yaml", "application/toml", "application/sql", "application/graphql",
}  # fmt: skip
_HTML_START: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,100}(?:<!--.{0,1000}?-->\s{0,100})?<(?:!doctype html|html)\b", re.I | re.S
)
_XML_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,100}<\?xml\s")
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^\s";,]{1,40})', re.IGNORECASE)
_TYPE_CHARS: Final = 1_000
"""How much of a Content-Type is read, and remembered."""


def read_content_headers(headers: Iterable[Sequence[str]]) -> tuple[str, str]:
    """Return the Content-Type and the Content-Encoding among header fields, "" where there is none."""
    content_type = encoding = ""
    for name, value in headers:
        if name == "content-type":
            content_type = value
        elif name == "content-encoding":
            encoding = f"{encoding},{value}" if encoding else value
    return content_type, encoding


def parse_media_type(content_type: str) -> MediaType:
    """Parse a Content-Type value; any text will do."""
    return _parse(content_type[:_TYPE_CHARS])


@lru_cache(maxsize=512)
def _parse(content_type: str) -> MediaType:
    name = content_type.partition(";")[0].strip().lower()
    charset = _CHARSET.search(content_type)
    return MediaType(name, charset[1].lower() if charset else "", _find_family(name))


def choose_family(primary: MediaType, shadow: MediaType, primary_body: bytes, shadow_body: bytes) -> BodyFamily:
    """Choose how two bodies are read: the one way that fits the side that says more about its body."""
    family = primary.family if primary is shadow else max(primary.family, shadow.family)
    if family is not BodyFamily.UNSTATED:
        return family
    if _looks_like_json(primary_body) and _looks_like_json(shadow_body):
        return BodyFamily.JSON
    if not (_is_text(primary_body) and _is_text(shadow_body)):
        return BodyFamily.BINARY
    if _HTML_START.match(primary_body) and _HTML_START.match(shadow_body):
        return BodyFamily.HTML
    return BodyFamily.XML if _XML_START.match(primary_body) and _XML_START.match(shadow_body) else BodyFamily.TEXT


def _find_family(name: str) -> BodyFamily:
    if name in _JSON or name.endswith("+json"):
        return BodyFamily.JSON
    if name in _LINES:
        return BodyFamily.LINES
    if "/" in name and "json" in name:  # application/x-amz-json-1.1, application/vnd.acme.json: JSON if it looks so
        return BodyFamily.UNSTATED
    if name.startswith("multipart/"):
        return BodyFamily.MULTIPART
    if name == "application/x-www-form-urlencoded":
        return BodyFamily.FORM
    if name in _HTML:
        return BodyFamily.HTML
    if name in _XML or name.endswith("+xml"):
        return BodyFamily.XML
    if name in _CSV:
        return BodyFamily.CSV
    if name.startswith("text/") or name in _TEXT or name.endswith("+yaml"):
        return BodyFamily.TEXT
    return BodyFamily.BINARY if name else BodyFamily.UNSTATED


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

"""The methods and paths that a server could take a request for, beside those in its request line.

HTML forms can send only GET and POST. So frameworks let a request name another method: in a header, or as `_method` in
the query or the body (Rails, Laravel, Symfony, Express, Spring, Yii, OData). Some do so for a GET too. A mirrored GET
that names DELETE would delete in the shadow. X-Original-URL and X-Rewrite-URL name another path (IIS, Symfony, Zend).
"""

import re
from collections.abc import Iterable
from itertools import product
from typing import Any, Final, cast
from urllib.parse import unquote_plus

import orjson

from darklaunch_shared.wire.exchange import Headers

OVERRIDE_HEADERS: Final = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
"""Lower case, with hyphens: WSGI and CGI cannot tell them from underscores."""

PATH_HEADERS: Final = frozenset({"x-original-url", "x-rewrite-url"})

_OVERRIDE_FIELDS: Final = frozenset(
    spelling
    for name in OVERRIDE_HEADERS | PATH_HEADERS
    for separators in product("-_", repeat=name.count("-"))
    for text in ["".join(map("".join, zip(name.split("-"), [*separators, ""], strict=True)))]
    for spelling in (text, text.encode())
)

_FIELD: Final = re.compile(r"\s*[_. \[]method(?:[\[. ].*)?\s*", re.IGNORECASE | re.DOTALL)
"""The name `_method`, also as PHP reads it, which turns dots, spaces and brackets into underscores."""

_HINT: Final = re.compile(r"method|%(?:5f|[46][4589df]|[57]4)", re.IGNORECASE)
"""Whether a query can hold the name at all, also with letters of it percent-encoded, which no usual client does."""

_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")

_PART: Final = re.compile(
    rb'\bname\s*=\s*"?([^";\r\n]*)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]*)', re.IGNORECASE
)
_SEPARATORS: Final = re.compile("[&;]")


def may_override(names: Iterable[str | bytes], target: str) -> bool:
    """False if neither the fields with these lower-case names nor the query can name a method or path. Fast."""
    return not _OVERRIDE_FIELDS.isdisjoint(names) or ("?" in target and _HINT.search(target) is not None)


def find_overrides(headers: Headers, target: str, body: bytes = b"") -> frozenset[str]:
    """Return the methods, in upper case, that a request names beside the one in its request line."""
    named: list[str] = []
    content_type = ""
    for name, value in headers:
        field = name.lower().replace("_", "-")
        if field in OVERRIDE_HEADERS:
            named += value.split(",")
        elif field == "content-type":
            content_type = value.lower()
    query = target.partition("?")[2]
    if query and _HINT.search(query):
        named += _read_form(query)
    if body:
        named += _read_body(content_type, body)
    return frozenset([method for each in named if (method := each.strip().upper())])


def find_other_paths(headers: Headers) -> tuple[str, ...]:
    """Return the paths, without their queries, that a request names beside the one in its request line."""
    urls = [value.strip() for name, value in headers if name.lower().replace("_", "-") in PATH_HEADERS]
    return tuple([_ORIGIN.sub("", url).partition("?")[0] or "/" for url in urls if url])


def _read_body(content_type: str, body: bytes) -> list[str]:
    """Return the values of `_method` in a form or a JSON object."""
    if "urlencoded" in content_type:
        form = body.decode("latin-1")
        return _read_form(form) if _HINT.search(form) else []
    if b"method" not in body.lower() and b"\\u" not in body:
        return []
    if "json" in content_type:
        return _read_json(body)
    return _read_parts(body) if "multipart/" in content_type else []


def _read_form(form: str) -> list[str]:
    pairs = [pair.partition("=") for pair in _SEPARATORS.split(form)]
    return [unquote_plus(value) for name, _, value in pairs if _FIELD.fullmatch(unquote_plus(name))]


def _read_json(body: bytes) -> list[str]:
    try:
        document: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(document, dict):
        return []
    members = cast(dict[str, Any], document).items()
    return [str(value) for name, value in members if value and _FIELD.fullmatch(name)]


def _read_parts(body: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in _PART.findall(body) if _FIELD.fullmatch(name.decode("latin-1"))]

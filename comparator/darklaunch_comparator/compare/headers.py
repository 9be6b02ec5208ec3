"""Compare the header fields that are part of an answer's meaning, each by its meaning.

Date, server, lengths, codings, request and trace ids belong to the delivery and are never looked at.
"""

import re
from collections.abc import Callable, Hashable
from itertools import zip_longest
from typing import Final

from darklaunch_shared.wire.exchange import REDACTED, Headers
from darklaunch_shared.wire.http_headers import SERVER_TIMING_FIELD

from darklaunch_comparator.content import BodyFamily, parse_media_type

from . import render
from .collector import DifferenceCollector
from .model import ComparedResponse, ExcuseReason
from .volatile import ORIGIN, Reasons, VolatileValues, replace_origin

Reading = Callable[[list[str], str], Hashable]
"""Reads a field's values, given the side's own origin, into what is compared."""

_REL: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)
_NONCE: Final = re.compile(r'\b(nonce|opaque)\s*=\s*(?:"[^"]*"|[^\s",]+)', re.IGNORECASE)
_MEANT: Final = ("access-control-", "content-encoding")
_NONE: Final = ("", "")
_DELIVERY: Final = frozenset(
    {"", "date", "server", "content-length", "x-request-id", SERVER_TIMING_FIELD, "connection"}
)
"""Fields that nearly every pair of answers differs in; that they are never looked at shows fastest here."""
_COOKIE_VALUES: Final = {"path", "domain", "samesite", "max-age"}


def changed_fields(theirs: Headers, ours: Headers, further: frozenset[str] = frozenset()) -> list[str]:
    """Name the fields that may differ in meaning, and Content-Encoding, which gives the body its meaning, sorted.

    `further` are fields that count beside the usual ones.
    """
    if theirs == ours:
        return []
    changed: set[str] = set()
    for one, other in zip_longest(theirs, ours, fillvalue=_NONE):
        if one != other:
            changed.add(one[0])
            changed.add(other[0])
    changed -= _DELIVERY - further if further else _DELIVERY
    if not changed:
        return []
    return sorted([name for name in changed if name in _READINGS or name.startswith(_MEANT) or name in further])


def compare_headers(
    changed: list[str],
    primary: ComparedResponse,
    shadow: ComparedResponse,
    volatile: VolatileValues,
    findings: DifferenceCollector,
) -> None:
    """Report which of the header fields named in `changed` differ in meaning."""
    for name in changed:
        read = _READINGS.get(name) or (_members if name.startswith("access-control-") else None)
        if read is None and name in findings.rules.compared_headers:
            read = _plain_text
        if read is not None:
            _compare_field(name, read, primary, shadow, volatile, findings)


def _compare_field(
    name: str,
    read: Reading,
    primary: ComparedResponse,
    shadow: ComparedResponse,
    volatile: VolatileValues,
    findings: DifferenceCollector,
) -> None:
    left, right = _values(primary.response.headers, name), _values(shadow.response.headers, name)
    if left == right:
        return
    if not left or not right:
        findings.header(name, _shown(name, left), _shown(name, right))
        return
    if REDACTED in left or REDACTED in right:
        return  # a credential that was taken out before it travelled: it is there, and no more is known
    one, other = read(left, primary.origin), read(right, shadow.origin)
    if one == other and read is not _own_text:
        return
    reasons: Reasons = ()
    if isinstance(one, str) and isinstance(other, str):
        reasons = _excuse_text(", ".join(left), ", ".join(right), one, other, volatile)
    if reasons and findings.admits(f"header:{name}", reasons):
        findings.excuse_header(name, reasons)
    elif one != other:
        findings.header(name, _shown(name, left), _shown(name, right), ", ".join(right))


def _excuse_text(theirs: str, ours: str, one: str, other: str, volatile: VolatileValues) -> Reasons:
    """Say why two texts may differ, as they were sent or else as they were read."""
    if one == other:
        return (ExcuseReason.OWN_ORIGIN,)
    return volatile.excuse(theirs, ours) or volatile.excuse(one, other)


def _values(fields: Headers, name: str) -> list[str]:
    return [value for field, value in fields if field == name]


def _shown(name: str, values: list[str]) -> str | None:
    if not values:
        return None
    if name == "set-cookie":  # values are secrets
        return render.cut(", ".join([_cookie_without_value(value) for value in values]))
    return render.cut(render.make_printable(", ".join(values)))


def _media_type(values: list[str], _origin: str) -> Hashable:
    read = parse_media_type(values[-1])
    # application/json has no charset parameter (RFC 8259 11): it is UTF-8, said or not
    charset = "" if read.family >= BodyFamily.LINES and read.charset in ("utf-8", "utf8") else read.charset
    return read.type, charset.replace("utf8", "utf-8")


def _own_text(values: list[str], origin: str) -> Hashable:
    text = replace_origin(", ".join(values).strip(), origin)
    return f"{ORIGIN}{text}" if text.startswith("/") and not text.startswith("//") else text


def _plain_text(values: list[str], _origin: str) -> Hashable:
    return re.sub(" ?([;,=]) ?", r"\1", " ".join(", ".join(values).split()))


def _challenges(values: list[str], _origin: str) -> Hashable:
    return frozenset([_NONCE.sub(r"\1", value.strip()) for value in values])


def _members(values: list[str], _origin: str) -> Hashable:
    parts = [part.strip().lower() for value in values for part in value.split(",")]
    return frozenset(["=".join([half.strip() for half in part.split("=")]) for part in parts if part])


def _presence(_values: list[str], _origin: str) -> Hashable:
    return True


def _relations(values: list[str], _origin: str) -> Hashable:
    found = [quoted or bare for value in values for quoted, bare in _REL.findall(value)]
    return frozenset([name.lower() for names in found for name in names.split()])


def _cookies(values: list[str], origin: str) -> Hashable:
    host = origin.partition("://")[2].partition(":")[0].lower()
    return frozenset([(value.partition("=")[0].strip(), _attributes(value, host)) for value in values])


def _attributes(cookie: str, host: str) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for part in cookie.split(";")[1:]:
        name, _, value = part.partition("=")
        name, value = name.strip().lower(), value.strip()
        if name == "domain":
            value = value.lower().lstrip(".")
            value = ORIGIN if host and value == host else value
        elif name == "samesite":
            value = value.lower()
        if name:
            found.add((name, value if name in _COOKIE_VALUES else ""))
    return frozenset(found)


def _cookie_without_value(value: str) -> str:
    first, *attributes = value.split(";")
    return render.make_printable(";".join([f"{first.partition('=')[0].strip()}=…", *attributes]))


_READINGS: Final[dict[str, Reading]] = {
    "access-control-allow-origin": _own_text,
    "cache-control": _members,
    "content-disposition": _plain_text,
    "content-language": _members,
    "content-type": _media_type,
    "etag": _presence,
    "last-modified": _presence,
    "link": _relations,
    "location": _own_text,
    "retry-after": _presence,
    "set-cookie": _cookies,
    "vary": _members,
    "www-authenticate": _challenges,
}

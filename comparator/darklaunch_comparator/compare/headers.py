"""Compare the header fields that are part of a response's meaning, each by its meaning.

Date, server, lengths, codings, request and trace ids belong to the delivery and are never looked at.
"""

import re
from collections.abc import Callable, Hashable
from itertools import zip_longest
from typing import Final, NamedTuple

from darklaunch_shared.wire.exchange import REDACTED, Headers
from darklaunch_shared.wire.http_headers import SERVER_TIMING_FIELD
from darklaunch_shared.wire.trace_headers import is_trace_header

from darklaunch_comparator.content import BodyFamily, parse_media_type
from darklaunch_comparator.places import write_header_place

from . import render
from .collector import DifferenceCollector
from .model import ComparedResponse, ExcuseReason, Reasons
from .origin import OWN_ORIGIN, OwnOrigin
from .volatile import VolatileValues

HeaderReader = Callable[[list[str], OwnOrigin], Hashable]
"""Reads a field's values, given the side's own origin, into what is compared."""

_REL: Final = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)
_NONCE: Final = re.compile(r'\b(nonce|opaque)\s*=\s*(?:"[^"]*"|[^\s",]+)', re.IGNORECASE)
_MEANINGFUL_PREFIXES: Final = ("access-control-", "content-encoding")
_NO_FIELD: Final = ("", "")
_DELIVERY: Final = frozenset(
    {"", "date", "server", "content-length", "x-request-id", SERVER_TIMING_FIELD, "connection"}
)
"""Fields that nearly every pair of responses differs in: to drop them first is fastest."""
_UNTOLD: Final = frozenset(
    """
    age via alt-svc keep-alive transfer-encoding accept-ranges expires x-trace x-trace-id x-correlation-id x-runtime
    x-response-time
    x-process-time x-cache x-cache-hits x-served-by x-timer x-varnish cf-ray cf-cache-status x-amzn-requestid
    x-amz-request-id x-envoy-upstream-service-time x-ratelimit-remaining x-ratelimit-reset ratelimit-remaining
    ratelimit-reset
    """.split()  # noqa: SIM905
)
"""Fields of the delivery, or of the moment, whose differences tell nothing."""
UNCOMPARED_CAP: Final = 20
_COOKIE_VALUES: Final = {"path", "domain", "samesite", "max-age"}
"""Attributes of cookies that are compared with their values; of the others only the presence counts."""


class HeaderChanges(NamedTuple):
    """The sorted names of fields that may differ in meaning, and of those that differ and are not compared."""

    compared: list[str]
    uncompared: tuple[str, ...]


_NO_CHANGES: Final = HeaderChanges([], ())


def find_changed_headers(primary: Headers, shadow: Headers, further: frozenset[str] = frozenset()) -> HeaderChanges:
    """Return the names of the fields that differ.

    Content-Encoding is among the compared ones, because it gives the body its meaning. `further` are fields that are
    compared beside the usual ones.
    """
    if primary == shadow:
        return _NO_CHANGES
    changed: set[str] = set()
    for primary_field, shadow_field in zip_longest(primary, shadow, fillvalue=_NO_FIELD):
        if primary_field != shadow_field:
            changed.add(primary_field[0])
            changed.add(shadow_field[0])
    changed -= _DELIVERY - further if further else _DELIVERY
    if not changed:
        return _NO_CHANGES
    compared = [
        name for name in changed if name in _READERS or name.startswith(_MEANINGFUL_PREFIXES) or name in further
    ]
    if len(compared) == len(changed):
        return HeaderChanges(sorted(compared), ())
    changed.difference_update(compared)
    moved = {name for name, _ in set(primary) ^ set(shadow)}  # others stand at another position only
    return HeaderChanges(sorted(compared), _list_uncompared(changed & moved))


def _list_uncompared(names: set[str]) -> tuple[str, ...]:
    """Return the names that are worth a count: some, so that a shadow which makes them up fills no table."""
    told = sorted([name for name in names if name not in _UNTOLD and len(name) <= 64 and not is_trace_header(name)])
    return tuple(told[:UNCOMPARED_CAP])


def list_texts(headers: Headers, further: frozenset[str] = frozenset()) -> list[tuple[str, str]]:
    """List the fields that are compared as texts, each with its name; `further` are those that a rule compares."""
    return [(name, value) for name, value in headers if name in _TEXTS or name in further]


def compare_headers(
    changed: list[str],
    primary: ComparedResponse,
    shadow: ComparedResponse,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> None:
    """Report which of the header fields named in `changed` differ in meaning."""
    for name in changed:
        read = _READERS.get(name) or (_read_members if name.startswith("access-control-") else None)
        if read is None and name in collector.rules.compared_headers:
            read = _read_text
        if read is not None:
            _compare_field(name, read, primary, shadow, volatile, collector)


def _compare_field(
    name: str,
    read: HeaderReader,
    primary: ComparedResponse,
    shadow: ComparedResponse,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> None:
    primary_values = _list_values(primary.response.headers, name)
    shadow_values = _list_values(shadow.response.headers, name)
    if primary_values == shadow_values:
        return
    if not primary_values or not shadow_values:
        collector.add_header(name, _render(name, primary_values), _render(name, shadow_values))
        return
    if REDACTED in primary_values or REDACTED in shadow_values:
        return  # a credential that was taken out before it travelled: only its presence can be compared
    owns = volatile.primary_own, volatile.shadow_own
    primary_meaning, shadow_meaning = read(primary_values, owns[0]), read(shadow_values, owns[1])
    if primary_meaning != shadow_meaning and (
        forwarded := volatile.find_forwarded(", ".join(primary_values), ", ".join(shadow_values))
    ):
        primary_meaning, shadow_meaning = read(primary_values, forwarded[0]), read(shadow_values, forwarded[1])
    if primary_meaning == shadow_meaning and read is not _read_location:
        return
    reasons: Reasons = ()
    if isinstance(primary_meaning, str) and isinstance(shadow_meaning, str):
        if primary_meaning == shadow_meaning:
            reasons = (ExcuseReason.OWN_ORIGIN,)
        else:  # as the texts were sent, or else as they were read
            reasons = volatile.explain_texts(
                ", ".join(primary_values), ", ".join(shadow_values)
            ) or volatile.explain_texts(primary_meaning, shadow_meaning)
    if not collector.grant_excuse(write_header_place(name), reasons) and primary_meaning != shadow_meaning:
        collector.add_header(
            name, _render(name, primary_values), _render(name, shadow_values), ", ".join(shadow_values)
        )


def _list_values(fields: Headers, name: str) -> list[str]:
    return [value for field, value in fields if field == name]


def _render(name: str, values: list[str]) -> str | None:
    if not values:
        return None
    if name == "set-cookie":  # values are secrets
        return render.cut(", ".join([_render_cookie(value) for value in values]))
    return render.cut(render.make_printable(", ".join(values)))


def _render_cookie(value: str) -> str:
    first, *attributes = value.split(";")
    return render.make_printable(";".join([f"{first.partition('=')[0].strip()}=…", *attributes]))


def _read_media_type(values: list[str], _origin: OwnOrigin) -> Hashable:
    media_type = parse_media_type(values[-1])
    charset = media_type.charset
    if (media_type.family >= BodyFamily.LINES or "json" in media_type.type) and charset in ("utf-8", "utf8"):
        charset = ""  # application/json has no charset parameter (RFC 8259 11): it is UTF-8 with or without one
    return media_type.type, charset.replace("utf8", "utf-8")


def _read_location(values: list[str], origin: OwnOrigin) -> Hashable:
    text = origin.replace(", ".join(values).strip())
    return f"{OWN_ORIGIN}{text}" if text.startswith("/") and not text.startswith("//") else text


def _read_text(values: list[str], _origin: OwnOrigin) -> Hashable:
    return re.sub(" ?([;,=]) ?", r"\1", " ".join(", ".join(values).split()))


def _read_challenges(values: list[str], _origin: OwnOrigin) -> Hashable:
    return frozenset([_NONCE.sub(r"\1", value.strip()) for value in values])


def _read_members(values: list[str], _origin: OwnOrigin) -> Hashable:
    parts = [part.strip().lower() for value in values for part in value.split(",")]
    return frozenset(["=".join([half.strip() for half in part.split("=")]) for part in parts if part])


def _read_presence(_values: list[str], _origin: OwnOrigin) -> Hashable:
    return True


def _read_relations(values: list[str], _origin: OwnOrigin) -> Hashable:
    relations = [quoted or bare for value in values for quoted, bare in _REL.findall(value)]
    return frozenset([name.lower() for names in relations for name in names.split()])


def _read_cookies(values: list[str], origin: OwnOrigin) -> Hashable:
    return frozenset([(value.partition("=")[0].strip(), _read_cookie_attributes(value, origin)) for value in values])


def _read_cookie_attributes(cookie: str, origin: OwnOrigin) -> frozenset[tuple[str, str]]:
    attributes: set[tuple[str, str]] = set()
    for part in cookie.split(";")[1:]:
        name, _, value = part.partition("=")
        name, value = name.strip().lower(), value.strip()
        if name == "domain":
            value = value.lower().lstrip(".")
            value = OWN_ORIGIN if value in origin.hosts else value
        elif name == "samesite":
            value = value.lower()
        if name:
            attributes.add((name, value if name in _COOKIE_VALUES else ""))
    return frozenset(attributes)


_READERS: Final[dict[str, HeaderReader]] = {
    "access-control-allow-origin": _read_location,
    "allow": _read_members,
    "cache-control": _read_members,
    "content-disposition": _read_text,
    "content-language": _read_members,
    "content-type": _read_media_type,
    "etag": _read_presence,
    "last-modified": _read_presence,
    "link": _read_relations,
    "location": _read_location,
    "retry-after": _read_presence,
    "set-cookie": _read_cookies,
    "vary": _read_members,
    "www-authenticate": _read_challenges,
}
_TEXTS: Final = frozenset(name for name, read in _READERS.items() if read in (_read_location, _read_text))

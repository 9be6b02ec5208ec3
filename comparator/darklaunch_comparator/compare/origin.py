"""A side's own origin in the texts that it responded with, in all its spellings.

An app writes its own address as it learns it: from the Host field, from what a proxy says that the client wanted
(X-Forwarded-Host, -Port, -Proto), with a default port or without. What it writes may be a URL (`https://`, `wss://`,
`//host`), escaped as scripts and queries want it (`https:\\/\\/`, `https%3A%2F%2F`), or the host alone. Whether it
writes `http` or `https` says where TLS ended: that each side writes its own scheme, or both the same, is no difference,
and behind a proxy that names the scheme it depends on whom the app believes.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

OWN_ORIGIN: Final = "\x02"
"""Stands for a side's own origin. Not nothing: an absolute URL that became relative is a difference."""

_AUTHORITY_CHARS: Final = 255
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?")
_FORWARDED_HOST: Final = re.compile(r';?\s*host="?([^";,\s]+)', re.IGNORECASE)
_SCHEME_FIELDS: Final = frozenset((
    "x-forwarded-proto", "x-forwarded-protocol", "x-forwarded-scheme", "x-forwarded-ssl", "x-scheme", "x-url-scheme",
    "front-end-https", "cloudfront-forwarded-proto",
))  # fmt: skip
_DEFAULT_PORTS: Final = ("80", "443")

_COLON: Final = r"(?::|%3A|%253A|\\u003A|\\x3A|&#58;|&#x3A;)"
_SLASH: Final = r"(?:\\{0,2}/|%2F|%252F|\\u002F|\\x2F|&#47;|&#x2F;)"
_SPELLINGS: Final = {":": _COLON, "[": r"(?:\[|%5B)", "]": r"(?:\]|%5D)"}


class OriginSpan(NamedTuple):
    """Where an origin stands in a text, what is written instead, and its scheme and separator as they are."""

    start: int
    end: int
    token: str
    spelling: str


class OwnOrigin:
    """One side's own origin, by its authorities (host, or host:port).

    `is_any_port`: its port may be left out, because the other side's URLs have none. `is_any_scheme`: http and https
    mean the same.
    """

    __slots__ = ("_is_secure", "_needles", "_pattern", "hosts")

    def __init__(self, scheme: str, authorities: tuple[str, ...], *, is_any_port: bool, is_any_scheme: bool) -> None:
        self._is_secure = None if is_any_scheme else scheme == "https"
        split = [(match[1], match[2]) for match in map(_AUTHORITY.fullmatch, authorities) if match is not None]
        self.hosts = frozenset([host.lower() for host, _ in split])
        self._needles = tuple({max(re.findall(r"[A-Za-z0-9._-]+", host), key=len, default="") for host in self.hosts})
        self._pattern = _compile(tuple(split), is_any_port=is_any_port) if split else None

    def replace(self, text: str) -> str:
        """Replace the origin by OWN_ORIGIN and what tells its spelling, wherever it stands in a text."""
        if self._pattern is None or not self.may_stand_in(text):
            return text
        return self._pattern.sub(self._write_token, text)

    def may_stand_in(self, text: str) -> bool:
        """True unless none of its hosts is in a text."""
        return any(needle in text or needle in text.lower() for needle in self._needles)

    def find(self, text: str) -> "list[OriginSpan]":
        """Return where it stands in a text."""
        if self._pattern is None or not self.may_stand_in(text):
            return []
        return [
            OriginSpan(
                match.start(),
                match.end(),
                self._write_token(match),
                f"{match['scheme']}{match['separator'] or match['relative']}".lower(),
            )
            for match in self._pattern.finditer(text)
        ]

    def _write_token(self, match: re.Match[str]) -> str:
        scheme, separator, relative = match["scheme"], match["separator"], match["relative"]
        if scheme is None:
            return f"{OWN_ORIGIN}{relative}" if relative is not None else f"{OWN_ORIGIN}="
        scheme = scheme.lower()
        if self._is_secure is None or self._is_secure is (scheme in ("https", "wss")):
            scheme = "ws" if scheme in ("ws", "wss") else ""
        return f"{OWN_ORIGIN}{scheme}{'' if separator == '://' else separator.lower()}"


@lru_cache(maxsize=256)
def make_own_origins(
    primary: str, shadow: str, forwarded: tuple[str, ...] = (), *, is_any_scheme: bool = False
) -> tuple[OwnOrigin, OwnOrigin]:
    """Return both sides' own origins, by scheme://host[:port] as their clients saw it, "" if that is unknown.

    `forwarded` are further authorities, which a proxy named and both sides were told; `is_any_scheme` if it also named
    the scheme.
    """
    schemes, authorities = zip(*(_split(origin) for origin in (primary, shadow)), strict=True)
    without_port = [not _has_port(authority) for authority in authorities]
    primary_own, shadow_own = (
        OwnOrigin(
            schemes[at],
            (*((authorities[at],) if authorities[at] else ()), *forwarded),
            is_any_port=without_port[1 - at],
            is_any_scheme=is_any_scheme,
        )
        for at in (0, 1)
    )
    return primary_own, shadow_own


def are_same_but_for_origins(primary: str, shadow: str, owns: tuple[OwnOrigin, OwnOrigin]) -> bool:
    """True if two texts differ only where each has its own origin.

    In other places both may have the primary's, as an app does that was configured with its public address.
    """
    shadow_spans = {span.start: span for span in owns[1].find(shadow)}
    primary_at = shadow_at = 0
    for span in owns[0].find(primary):
        literal = primary[primary_at : span.start]
        if not shadow.startswith(literal, shadow_at):
            return False
        shadow_at += len(literal)
        own = shadow_spans.get(shadow_at)
        if own is not None and (own.token == span.token or own.spelling == span.spelling):
            shadow_at = own.end
        elif shadow.startswith(primary[span.start : span.end], shadow_at):
            shadow_at += span.end - span.start
        else:
            return False
        primary_at = span.end
    return primary[primary_at:] == shadow[shadow_at:]


def names_scheme(fields: Mapping[str, str]) -> bool:
    """True if a proxy says with which scheme the client asked, by a request's header fields in lower case."""
    return not _SCHEME_FIELDS.isdisjoint(fields) or "proto=" in fields.get("forwarded", "").lower()


def list_forwarded_authorities(fields: Mapping[str, str]) -> tuple[str, ...]:
    """List the authorities that proxies say the client wanted, by a request's header fields in lower case."""
    named = [fields.get(name, "").partition(",")[0].strip() for name in ("x-forwarded-host", "x-original-host")]
    match = _FORWARDED_HOST.search(fields.get("forwarded", ""))
    named.append(match[1] if match else "")
    port = fields.get("x-forwarded-port", "").partition(",")[0].strip()
    if port.isdecimal() and port not in _DEFAULT_PORTS:
        hosts = [_AUTHORITY.fullmatch(name) for name in (*named, fields.get("host", ""))]
        named += [f"{host[1]}:{port}" for host in hosts if host is not None]
    return tuple(dict.fromkeys([name for name in named if 0 < len(name) <= _AUTHORITY_CHARS]))


def _split(origin: str) -> tuple[str, str]:
    scheme, _, authority = origin.partition("://")
    return (scheme.lower(), authority) if len(authority) <= _AUTHORITY_CHARS else (scheme.lower(), "")


def _has_port(authority: str) -> bool:
    match = _AUTHORITY.fullmatch(authority)
    return match is not None and match[2] is not None and match[2] not in _DEFAULT_PORTS


def _compile(authorities: tuple[tuple[str, str | None], ...], *, is_any_port: bool) -> re.Pattern[str]:
    full: list[str] = []
    bare: list[str] = []
    for host, port in authorities:
        spelled = "".join([_SPELLINGS.get(char) or re.escape(char) for char in host])
        if port is None or port in _DEFAULT_PORTS:
            spelled += f"(?:{_COLON}(?:80|443))?"
        else:
            spelled += f"(?:{_COLON}{port})" + ("?" if is_any_port else "")
        full.append(spelled)
        if "." in host or port is not None:  # a word such as `shop` may mean anything
            bare.append(spelled)
    # http://shop must not be found in http://shop.example, http://shopping or http://shop:81
    end = rf"(?![A-Za-z0-9_-]|[.@][A-Za-z0-9]|{_COLON}[A-Za-z0-9])"
    urls = (
        rf"(?:(?P<scheme>https?|wss?)(?P<separator>{_COLON}{_SLASH}{_SLASH})|(?<![:\w])(?P<relative>{_SLASH}{_SLASH}))"
    )
    hosts = rf"|(?<![\w.@/%:\\-])(?:{'|'.join(bare)})" if bare else ""
    return re.compile(rf"(?:{urls}(?:{'|'.join(full)}){hosts}){end}", re.IGNORECASE)

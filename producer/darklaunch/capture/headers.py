"""Header fields as servers and apps give them, and the text that travels.

They are kept as they come until the answer has ended, and then read once, with the names that were met remembered.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from darklaunch_shared.wire.exchange import Headers

RawHeaders = tuple[tuple[bytes, bytes], ...] | tuple[tuple[str, str], ...]
"""Header fields as they were given: bytes in ASGI, latin-1 text in WSGI. A server's names are lower case."""

ByName = Mapping[Any, Any]
"""The last value of each header field, by its lower-case name; bytes or text as in RawHeaders."""

NAMES_KEPT: Final = 1_000
NAME_CHARS: Final = 100
"""Longer names are not remembered: who makes them up must not decide how much memory that takes."""

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")


class NotHttp(Exception):
    """The recording cannot travel: what the app or its client said is not HTTP."""


class HeaderNames(dict[bytes | str, str]):
    """Header names, read once each: as given to what they mean here, which `meaning` says of the lower-case text."""

    def __init__(self, meaning: Callable[[str], str]) -> None:
        super().__init__()
        self._meaning = meaning

    def __missing__(self, name: bytes | str) -> str:
        meaning = self._meaning(text(name).lower())
        if len(self) < NAMES_KEPT and len(name) <= NAME_CHARS:
            self[name] = meaning
        return meaning


def text(given: bytes | str) -> str:
    """Give a name or value as latin-1 text. Raises Unfit for characters that HTTP cannot carry."""
    if isinstance(given, str):
        try:
            given.encode("latin-1")
        except UnicodeEncodeError:
            raise NotHttp("a header holds characters that HTTP cannot carry") from None
        return given
    return bytes(given).decode("latin-1")


def as_text(headers: RawHeaders) -> Headers:
    """Give header fields as text with lower-case names. Raises Unfit."""
    return tuple([(text(name).lower(), text(value)) for name, value in headers])


def host_of(headers: RawHeaders) -> str:
    """Give a request's Host, "" when it has none."""
    for name, value in headers:
        if name == b"host" or name == "host":
            return text(value)
    return ""


def check_name(name: str) -> str:
    """Return a lower-case header name. Raises Unfit when it is not a token (RFC 9110, 5.1)."""
    if not _TOKEN.fullmatch(name):
        raise NotHttp("a response header's name is not a token")
    return name

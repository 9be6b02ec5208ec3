"""Header fields as servers and apps give them, and as the text that travels.

They stay as they came until the response has ended, and are decoded once then. Names are remembered, because an app's
requests use the same few.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from darklaunch_shared.wire.exchange import Headers
from darklaunch_shared.wire.http_headers import TOKEN

from darklaunch.errors import UnsendableExchange

RawHeaders = tuple[Sequence[bytes], ...] | tuple[tuple[str, str], ...]
"""Header fields as they were given: bytes in ASGI, latin-1 text in WSGI. A server's names are lower case."""

HeadersByName = Mapping[Any, Any]
"""The last value of each header field, by its lower-case name; bytes or text as in RawHeaders."""

REMEMBERED_NAMES: Final = 1_000
REMEMBERED_NAME_CHARS: Final = 100
"""Longer names are not remembered: a client that makes up names must not decide how much memory that takes."""


class HeaderNames(dict[bytes | str, str]):
    """A cache from header names as given to what `translate` returns for the name in lower case."""

    def __init__(self, translate: Callable[[str], str]) -> None:
        super().__init__()
        self._translate = translate

    def __missing__(self, name: bytes | str) -> str:
        translated = self._translate(decode_header(name).lower())
        if len(self) < REMEMBERED_NAMES and len(name) <= REMEMBERED_NAME_CHARS:
            self[name] = translated
        return translated


def decode_header(raw: bytes | str) -> str:
    """Return a name or value as latin-1 text. Raises UnsendableExchange for characters that HTTP cannot carry."""
    if isinstance(raw, str):
        try:
            raw.encode("latin-1")
        except UnicodeEncodeError:
            raise UnsendableExchange("a header holds characters that HTTP cannot carry") from None
        return raw
    return bytes(raw).decode("latin-1")


def decode_headers(headers: RawHeaders) -> Headers:
    """Return header fields as text with lower-case names. Raises UnsendableExchange as `decode_header`."""
    return tuple([(decode_header(name).lower(), decode_header(value)) for name, value in headers])


def find_host(headers: RawHeaders) -> str:
    """Return a request's Host, "" when it has none."""
    for name, value in headers:
        if name == b"host" or name == "host":
            return decode_header(value)
    return ""


def check_header_name(name: str) -> str:
    """Return a lower-case header name. Raises UnsendableExchange when it is not a token (RFC 9110, 5.1)."""
    if not TOKEN.fullmatch(name):
        raise UnsendableExchange("a response header's name is not a token")
    return name

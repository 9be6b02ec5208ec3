"""One request of a traffic file, whatever its format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from darklaunch_shared.wire.exchange import Headers, Response

from darklaunch_console.errors import ConsoleError

_ENCODED_ONLY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_NOT_IN_A_TARGET: Final = re.compile("[^\x21-\x7e\x80-\xff]")


class BadTrafficFile(ConsoleError):
    """A traffic file cannot be read; the message names file, line or entry, and field."""


class UnreadableEntry(Exception):
    """One entry cannot be read; the message names the field. Its reader adds the file and the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """A request of a recording.

    place     where it stands, `FILE, entry 12`
    at_s      when it was sent, in seconds since the epoch; None when that is not known
    origin    `scheme://host[:port]` as its client saw it; "" when the traffic file has only paths
    target    path and query, as they were sent
    response  what the primary answered; None when that was not recorded
    """

    place: str
    at_s: float | None
    method: str
    origin: str
    target: str
    headers: Headers
    body: bytes = b""
    response: Response | None = None


class Source(Protocol):
    """A traffic file that is being read from its start, in bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, `size` at most; b"" at the end."""
        ...

    def readline(self, limit: int = -1, /) -> bytes:
        """Return the rest of the line with its end, `limit` bytes at most; b"" at the end."""
        ...


class ReadTrafficFile(Protocol):
    """Reads a format: yields its requests one by one, so that a file may be larger than the memory.

    Raises BadTrafficFile, which names the place, for a file that cannot be read further.
    """

    def __call__(self, source: Source, name: str) -> Iterator[RecordedRequest]: ...


def split_url(url: object, field: str) -> tuple[str, str]:
    """Return a URL's origin and its request target. Raises UnreadableEntry unless it is an http or https URL."""
    if not isinstance(url, str):
        raise UnreadableEntry(f"{field}: a URL is wanted, not {shorten(url)}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UnreadableEntry(f"{field}: {shorten(url)} is no URL ({error})") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UnreadableEntry(f"{field}: {shorten(url)} is not an http or https URL")
    host = f"[{host}]" if ":" in host else host
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}", check_target(target, field)


def check_target(target: str, field: str) -> str:
    """Return a request target as it goes on the wire, in latin-1. Raises UnreadableEntry unless it begins with a slash.

    Characters beyond ASCII are written as the bytes of their UTF-8, as browsers send them.
    """
    if not target.startswith("/"):
        raise UnreadableEntry(f"{field}: {shorten(target)} does not begin with a slash")
    return _NOT_IN_A_TARGET.sub(_quote_character, target.encode("utf-8", "surrogateescape").decode("latin-1"))


def normalize_headers(fields: Iterable[tuple[object, object]], field: str) -> Headers:
    """Return header fields with lower-case names, without the pseudo-fields of HTTP/2. Raises UnreadableEntry."""
    headers: list[tuple[str, str]] = []
    for name, value in fields:
        if not isinstance(name, str) or not isinstance(value, str):
            raise UnreadableEntry(f"{field}: names and values must be text, got {shorten(name)}: {shorten(value)}")
        if not name.startswith(":"):
            headers.append((name.lower(), value.encode("utf-8", "surrogateescape").decode("latin-1")))
    return tuple(headers)


def drop_coding(headers: Headers) -> Headers:
    """Return the fields of a response whose body was recorded decoded: without what describes its bytes on the wire."""
    return tuple(field for field in headers if field[0] not in _ENCODED_ONLY)


def check_status(status: object, field: str) -> int:
    """Return a status code. Raises UnreadableEntry unless it is a whole number from 100 to 999."""
    if type(status) is not int or not 100 <= status <= 999:
        raise UnreadableEntry(f"{field}: a status from 100 to 999 is wanted, not {shorten(status)}")
    return status


def check_milliseconds(value: object, field: str) -> float:
    """Return a duration in milliseconds. Raises UnreadableEntry unless it is a number from 0 to one day."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86_400_000:
        raise UnreadableEntry(f"{field}: milliseconds from 0 to one day are wanted, not {shorten(value)}")
    return float(value)


def shorten(value: object) -> str:
    """Return a value as it can be quoted in a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _quote_character(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"

"""Where a response ends: refused where two readers of it could disagree (RFC 9112 section 6.3), with both clients.

A response with both a length and chunks, with two lengths, or with a coding beside chunks reads differently behind
another proxy. It counts as no response, whichever parser reads it.
"""

import re
from collections.abc import Sequence
from typing import Final

from darklaunch_shared.wire.replay import ShadowErrorClass

from .errors import ConnectionFailure

VERSIONS: Final = ("1.0", "1.1")
_STATUS_LINE: Final = re.compile(rb"HTTP/(\d\.\d) ")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def check_framing(headers: Sequence[tuple[str, str]]) -> None:
    """Raise ConnectionFailure if the fields, names in lower case, do not say clearly where the response ends."""
    lengths = [value for name, value in headers if name == "content-length"]
    codings = [value for name, value in headers if name == "transfer-encoding"]
    if len(lengths) > 1 or "," in "".join(lengths):
        raise _make_failure("more than one Content-Length")
    if not codings:
        return
    if lengths:
        raise _make_failure("Content-Length and Transfer-Encoding")
    if len(codings) > 1 or codings[0].strip().lower() != "chunked":
        raise _make_failure(f"the Transfer-Encoding {', '.join(codings)[:40]!r}, not just chunked")


def check_version(version: str) -> None:
    """Raise ConnectionFailure for a version that is not spoken."""
    if version not in VERSIONS:
        raise _make_failure(f"version {version[:10]}")


def check_head(head: bytes) -> None:
    """Raise ConnectionFailure if a status line with its header section, as read, is not clear.

    What is malformed in other ways is left to the parser behind.
    """
    status_line, *lines = [line.removesuffix(b"\r") for line in head.split(b"\n")]
    if version := _STATUS_LINE.match(status_line):
        check_version(version[1].decode())
    fields: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            raise _make_failure("a header field over several lines")
        if _CONTROL.search(line):
            raise _make_failure("a control character in a header field")
        name, _, value = line.partition(b":")
        fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))
    check_framing(fields)


def _make_failure(what: str) -> ConnectionFailure:
    return ConnectionFailure(ShadowErrorClass.PROTOCOL, f"the response is not clear HTTP/1.1: it has {what}")

"""The curl command that sends a captured request again, byte for byte. Pure."""

from __future__ import annotations

import base64
import shlex
from typing import Final

from darklaunch_shared.wire.exchange import Request

from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.screen import make_printable

_NOT_SENT: Final = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect", "te"}
"""Header fields that curl writes itself, or that belong to one connection."""


ONE_A_LINE: Final = " \\\n  "
"""The separator that puts each option on a line of its own."""


def build_curl_command(request: Request, origin: str, separator: str = " ") -> str:
    """Return the curl command that sends a request to an origin, target and body byte for byte.

    Raises ConsoleError for what curl cannot send: a target with control characters.
    """
    if not request.target.startswith("/") or any(character <= " " for character in request.target):
        raise ConsoleError(f"curl cannot send the target {make_printable(request.target)!r} as it was captured")
    options = ["curl -sS --path-as-is --globoff"]
    if request.method == "HEAD":
        options.append("--head")
    elif request.method != "GET" or request.body:
        options.append(f"-X {_quote(request.method)}")
    for name, value in request.headers:
        if name not in _NOT_SENT:
            options.append(f"-H {_quote(f'{name}: {value}' if value else f'{name};')}")
    options.append(_quote(origin + request.target))
    command = separator.join(options)
    if not request.body:
        return command
    if _is_printable(request.body):
        return f"{command}{separator}--data-binary {shlex.quote(request.body.decode())}"
    encoded = base64.b64encode(request.body).decode()
    return f"printf %s {encoded} | base64 -d | {command} --data-binary @-"


def _is_printable(body: bytes) -> bool:
    return not body.startswith(b"@") and all(32 <= byte < 127 for byte in body)


def _quote(word: str) -> str:
    """Return a word quoted for a POSIX shell; what is not printable ASCII is written as the bytes it was, in $'…'."""
    if word.isascii() and word.isprintable():
        return shlex.quote(word)
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in word.encode("latin-1")
    )
    return f"$'{escaped}'"

"""`curl`: the commands that reproduce one exchange against either side."""

from __future__ import annotations

import base64
import shlex
from typing import Final

import click
from darklaunch_shared.wire.exchange import Request

from darklaunch_console.errors import ConsoleError
from darklaunch_console.output.screen import json_option, make_printable, print_json, print_line, print_warning
from darklaunch_console.reports.evidence import read_launch_record
from darklaunch_console.reports.masked_places import find_masked_places
from darklaunch_console.reports.sample import check_exchange_id, find_sample
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

_NOT_SENT: Final = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "expect", "te"}


@click.command(short_help="Print the curl commands that reproduce one exchange.")
@click.argument("exchange", callback=check_exchange_id, metavar="ID")
@click.option("--launch", metavar="NAME", help="Which launch's, when several mirrored the same request.")
@json_option
@click.pass_obj
def curl(settings: ConsoleSettings, exchange: str, launch: str | None, in_json: bool) -> None:
    """Print the commands that send one captured request again, to the shadow and to the primary.

    Credentials in header fields were removed before the request left the app: add your own with -H. What was masked
    when the request was stored is named on stderr: put real values in its place.
    """
    with open_postgres(settings) as connection:
        sample = find_sample(connection, exchange, launch)
        shadow = read_launch_record(connection, sample.launch).state.spec.shadow
    request = sample.replay.exchange.request
    commands = {"shadow": command(request, shadow), "primary": command(request, request.origin)}
    masked = find_masked_places(request)
    if in_json:
        print_json({**commands, "masked": masked})
        return
    if masked:
        print_warning(f"masked when it was stored, put real values there: {', '.join(masked)}.")
    for side, written in commands.items():
        print_line(f"{written}   # {side}")


def command(request: Request, origin: str) -> str:
    """Write the curl command that sends a request to an origin, target and body byte for byte.

    Raises ConsoleError for what curl cannot send: a target with control characters.
    """
    if not request.target.startswith("/") or any(character <= " " for character in request.target):
        raise ConsoleError(f"curl cannot send the target {make_printable(request.target)!r} as it was captured")
    words = ["curl", "-sS", "--path-as-is", "--globoff"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != "GET" or request.body:
        words += ["-X", request.method]
    for name, value in request.headers:
        if name not in _NOT_SENT:
            words += ["-H", f"{name}: {value}" if value else f"{name};"]
    words.append(origin + request.target)
    written = " ".join(_quoted(word) for word in words)
    if not request.body:
        return written
    if _is_plain(request.body):
        return f"{written} --data-binary {shlex.quote(request.body.decode())}"
    packed = base64.b64encode(request.body).decode()
    return f"printf %s {packed} | base64 -d | {written} --data-binary @-"


def _is_plain(body: bytes) -> bool:
    return not body.startswith(b"@") and all(32 <= byte < 127 for byte in body)


def _quoted(word: str) -> str:
    """Quote for a POSIX shell; what is not printable ASCII is written as the bytes it was, in $'…'."""
    if word.isascii() and word.isprintable():
        return shlex.quote(word)
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in b"\\'" else f"\\x{byte:02x}" for byte in word.encode("latin-1")
    )
    return f"$'{escaped}'"

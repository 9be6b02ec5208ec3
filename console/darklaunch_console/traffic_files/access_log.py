"""Access logs: method and path only, so the primary is asked for the responses.

nginx's and Apache's common and combined format (https://httpd.apache.org/docs/current/logs.html), and Caddy's JSON
(https://caddyserver.com/docs/caddyfile/directives/log).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, cast

import orjson

from .recorded import BadTrafficFile, RecordedRequest, Source, UnreadableEntry, check_target, shorten

LINE_BYTES: Final = 1_048_576
_COMMON: Final = re.compile(
    r'\S+ \S+ .*?\[(?P<at>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3}|-) (?:\d+|-)'
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
_REQUEST_LINE: Final = re.compile(r"([A-Za-z]+) (\S+) HTTP/[0-9.]+")
_ESCAPE: Final = re.compile(r"\\x([0-9A-Fa-f]{2})|\\(.)")


def read_access_log(source: Source, name: str) -> Iterator[RecordedRequest]:
    """Yield the requests of an access log. Raises BadTrafficFile when a line is none of the formats.

    Lines whose request is no HTTP request (a TLS handshake on the wrong port, a scanner's bytes) are logged by every
    server; they are skipped.
    """
    number = 0
    while raw := source.readline(LINE_BYTES):
        number += 1
        place, line = f"{name}, line {number}", raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if not line.strip():
            continue
        try:
            request = _read_json(line, place) if line.startswith("{") else _read_common(line, place)
        except UnreadableEntry as error:
            raise BadTrafficFile(f"{place}: {error}") from None
        if request is not None:
            yield request


def _read_common(line: str, place: str) -> RecordedRequest | None:
    match = _COMMON.match(line)
    if not match:
        raise UnreadableEntry(f"not a line of the common or combined log format: {shorten(line)}")
    request_line = _REQUEST_LINE.fullmatch(_ESCAPE.sub(_unescape, match["request"]))
    if not request_line or not request_line[2].startswith("/"):
        return None
    try:
        at_s = datetime.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except ValueError:
        raise UnreadableEntry(f"the time {shorten(match['at'])} is not like 30/Nov/2026:12:00:00 +0000") from None
    agent = match["agent"]
    headers = (("user-agent", agent),) if agent not in (None, "-", "") else ()
    return RecordedRequest(
        place=place,
        at_s=at_s,
        method=request_line[1].upper(),
        origin="",
        target=check_target(request_line[2], "the request"),
        headers=headers,
    )


def _read_json(line: str, place: str) -> RecordedRequest:
    try:
        members: Any = orjson.loads(line.encode("utf-8", "surrogateescape"))
        request = cast(dict[str, Any], members["request"])
        method, uri = str(request["method"]), str(request["uri"])
    except orjson.JSONDecodeError as error:
        raise UnreadableEntry(f"not JSON: {error}") from None
    except (KeyError, TypeError):
        raise UnreadableEntry("a line of Caddy's log has request.method and request.uri, this one has not") from None
    at = cast(dict[str, Any], members).get("ts")
    return RecordedRequest(
        place=place,
        at_s=float(at) if isinstance(at, int | float) else None,
        method=method.upper(),
        origin="",
        target=check_target(uri, "request.uri"),
        headers=(),
    )


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else match[2]

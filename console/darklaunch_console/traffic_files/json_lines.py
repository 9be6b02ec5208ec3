"""JSON Lines: one request a line, the form that is easiest to write by hand or by a script.

    {"method": "GET", "url": "http://shop.example/orders/7", "headers": {"accept": "application/json"},
     "at": "2026-11-30T12:00:00Z", "response": {"status": 200, "headers": {}, "body": "{}", "latency_ms": 5.2}}

`headers` is an object or a list of pairs; `body` is text, or `body_base64` bytes. Only `method` and `url` are needed;
`url` may be a path. Without a response, the primary is asked for one.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

import orjson
from darklaunch_shared.wire.exchange import Headers, Response

from .recorded import (
    BadTrafficFile,
    RecordedRequest,
    Source,
    UnreadableEntry,
    check_milliseconds,
    check_status,
    check_target,
    normalize_headers,
    shorten,
    split_url,
)

LINE_BYTES: Final = 64 * 1_048_576
_FIELDS: Final = frozenset({"method", "url", "headers", "body", "body_base64", "at", "response"})
_RESPONSE_FIELDS: Final = frozenset({"status", "headers", "body", "body_base64", "latency_ms"})


def read_json_lines(source: Source, name: str) -> Iterator[RecordedRequest]:
    """Yield the requests of a file with one JSON object a line; empty lines are skipped. Raises BadTrafficFile."""
    number = 0
    while line := source.readline(LINE_BYTES):
        number += 1
        place = f"{name}, line {number}"
        if not line.strip():
            continue
        try:
            yield _read_line(line, place)
        except UnreadableEntry as error:
            raise BadTrafficFile(f"{place}: {error}") from None


def _read_line(line: bytes, place: str) -> RecordedRequest:
    if not line.endswith(b"\n") and len(line) >= LINE_BYTES:
        raise UnreadableEntry(f"longer than {LINE_BYTES // 1_048_576} MiB")
    try:
        members: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnreadableEntry(f"not JSON: {error}") from None
    entry = _check_fields(members, "the line", _FIELDS)
    method, url = entry.get("method"), entry.get("url")
    if not isinstance(method, str) or not method:
        raise UnreadableEntry("method is missing")
    origin, target = (
        ("", check_target(url, "url")) if isinstance(url, str) and url.startswith("/") else split_url(url, "url")
    )
    return RecordedRequest(
        place=place,
        at_s=_read_time(entry.get("at")),
        method=method.upper(),
        origin=origin,
        target=target,
        headers=_read_headers(entry.get("headers"), "headers"),
        body=_read_body(entry, ""),
        response=_read_response(entry.get("response")),
    )


def _read_response(value: object) -> Response | None:
    if value is None:
        return None
    response = _check_fields(value, "response", _RESPONSE_FIELDS)
    return Response(
        check_status(response.get("status"), "response.status"),
        _read_headers(response.get("headers"), "response.headers"),
        _read_body(response, "response."),
        check_milliseconds(response.get("latency_ms", 0), "response.latency_ms"),
    )


def _read_body(entry: Mapping[str, Any], prefix: str) -> bytes:
    text, encoded = entry.get("body"), entry.get("body_base64")
    if text is not None and encoded is not None:
        raise UnreadableEntry(f"{prefix}body and {prefix}body_base64 exclude each other")
    if encoded is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            raise UnreadableEntry(f"{prefix}body_base64 is not base64: {error}") from None
    if text is not None and not isinstance(text, str):
        raise UnreadableEntry(f"{prefix}body must be text, not {shorten(text)}; write JSON as a text of its own")
    return (text or "").encode("utf-8", "surrogatepass")


def _read_headers(value: object, field: str) -> Headers:
    if value is None:
        return ()
    if isinstance(value, dict):
        return normalize_headers(cast(dict[object, object], value).items(), field)
    pairs: list[tuple[object, object]] = []
    for pair in cast(list[object], value) if isinstance(value, list) else [None]:
        members = cast(list[object], pair) if isinstance(pair, list) else []
        if len(members) != 2:
            raise UnreadableEntry(f"{field} must be an object, or a list of [name, value]")
        pairs.append((members[0], members[1]))
    return normalize_headers(pairs, field)


def _read_time(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise UnreadableEntry(f"at: {shorten(value)} is neither seconds since 1970 nor an ISO 8601 time") from None


def _check_fields(value: object, field: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableEntry(f"{field} must be an object, not {shorten(value)}")
    members = cast(dict[str, Any], value)
    if unknown := members.keys() - known:
        raise UnreadableEntry(
            f"{field} has an unknown field {shorten(min(unknown))}; there are {', '.join(sorted(known))}"
        )
    return members

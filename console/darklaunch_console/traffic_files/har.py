"""HAR 1.2: what browsers, mitmproxy, Playwright and most HTTP tools save (http://www.softwareishard.com/blog/har-12-spec).

Entries are read one by one, so that a file of gigabytes takes no more memory than its largest entry.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import urlencode

import ijson  # pyright: ignore[reportMissingTypeStubs]
from darklaunch_shared.wire.exchange import Headers, Response

from .recorded import (
    BadTrafficFile,
    RecordedRequest,
    Source,
    UnreadableEntry,
    check_milliseconds,
    check_status,
    drop_coding,
    normalize_headers,
    split_url,
)

_UNKNOWN_TIME: Final = -1
_NO_ANSWER: Final = 0  # what browsers write as the status of a request that was blocked or given up


def read_har(source: Source, name: str) -> Iterator[RecordedRequest]:
    """Yield the requests of a HAR file. Raises BadTrafficFile."""
    count = 0
    try:
        for count, entry in enumerate(ijson.items(source, "log.entries.item", use_float=True), 1):
            place = f"{name}, entry {count}"
            try:
                yield _read_entry(_as_object(entry, "entry"), place)
            except UnreadableEntry as error:
                raise BadTrafficFile(f"{place}: {error}") from None
    except ijson.JSONError as error:
        raise BadTrafficFile(f"{name}: not the JSON of a HAR file after entry {count}: {_first_line(error)}") from None
    if not count:
        raise BadTrafficFile(f"{name}: there is nothing at log.entries, so it is no HAR file, or an empty one")


def _read_entry(entry: Mapping[str, Any], place: str) -> RecordedRequest:
    request = _as_object(entry.get("request"), "request")
    origin, target = split_url(request.get("url"), "request.url")
    method = request.get("method")
    if not isinstance(method, str) or not method:
        raise UnreadableEntry("request.method is missing")
    return RecordedRequest(
        place=place,
        at_s=_read_time(entry.get("startedDateTime")),
        method=method.upper(),
        origin=origin,
        target=target,
        headers=_read_headers(request.get("headers"), "request.headers"),
        body=_read_post_data(request.get("postData")),
        response=_read_response(entry),
    )


def _read_response(entry: Mapping[str, Any]) -> Response | None:
    """Return the response; None when the file has none, or not its body."""
    response = _as_object(entry.get("response") or {}, "response")
    if response.get("status", _NO_ANSWER) in (_NO_ANSWER, -1):
        return None
    status = check_status(response.get("status"), "response.status")
    content = _as_object(response.get("content") or {}, "response.content")
    body = _read_text(content, "response.content")
    if not body and content.get("size", 0) not in (0, -1):
        return None  # saved without its content
    headers = drop_coding(_read_headers(response.get("headers"), "response.headers"))
    time_ms = entry.get("time") or 0
    return Response(status, headers, body, 0.0 if time_ms == _UNKNOWN_TIME else check_milliseconds(time_ms, "time"))


def _read_post_data(data: object) -> bytes:
    if not data:
        return b""
    content = _as_object(data, "request.postData")
    if content.get("text"):
        return _read_text(content, "request.postData")
    params = [(str(each.get("name", "")), str(each.get("value", ""))) for each in content.get("params") or ()]
    return urlencode(params).encode()


def _read_text(content: Mapping[str, Any], field: str) -> bytes:
    text = content.get("text") or ""
    if not isinstance(text, str):
        raise UnreadableEntry(f"{field}.text is not text")
    if content.get("encoding") != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableEntry(f"{field}.text is not base64: {error}") from None


def _read_headers(value: object, field: str) -> Headers:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UnreadableEntry(f"{field} is no list")
    fields = [_as_object(each, field) for each in cast(Sequence[object], value)]
    return normalize_headers(((each.get("name"), each.get("value")) for each in fields), field)


def _read_time(value: object) -> float | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        raise UnreadableEntry(f"startedDateTime: {str(value)[:40]!r} is no ISO 8601 time") from None


def _as_object(value: object, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnreadableEntry(f"{field} is no object")
    return cast(Mapping[str, Any], value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

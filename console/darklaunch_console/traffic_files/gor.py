"""GoReplay's files (https://github.com/buger/goreplay/wiki/Saving-and-Replaying-from-file): raw requests and responses.

Payloads are separated by a line of three monkeys. The first line of each is its kind (1 request, 2 the original
response, 3 that of a replay), its id, and the time in nanoseconds; then for a response how long it took. A response
follows its request some payloads later, under the same id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import httptools
from darklaunch_shared.wire.exchange import Headers, Response

from .recorded import BadTrafficFile, RecordedRequest, Source, UnreadableEntry, check_target, normalize_headers, shorten

SEPARATOR: Final = "🐵🙈🙉".encode()
MOST_WAITING: Final = 10_000
"""Requests that wait for their response; the oldest is taken without one when there are more."""
PAYLOAD_BYTES: Final = 64 * 1_048_576

_REQUEST, _RESPONSE, _REPLAY = b"1", b"2", b"3"


def read_gor(source: Source, name: str) -> Iterator[RecordedRequest]:
    """Yield the requests of a GoReplay file, each with its response where that is in it. Raises BadTrafficFile."""
    waiting: dict[bytes, RecordedRequest] = {}
    for number, payload in enumerate(_split_payloads(source, name), 1):
        place = f"{name}, payload {number}"
        first, _, raw = payload.partition(b"\n")
        kind, *rest = first.split()
        try:
            if kind not in (_REQUEST, _RESPONSE, _REPLAY) or len(rest) < 2:
                raise UnreadableEntry(f"its first line is not `1 ID TIME`: {shorten(first.decode(errors='replace'))}")
            if kind == _REQUEST:
                if before := waiting.pop(rest[0], None):
                    yield before
                waiting[rest[0]] = _read_request(raw, place, _read_number(rest[1]) / 1e9)
            elif kind == _RESPONSE and rest[0] in waiting:
                took_ns = _read_number(rest[2]) if len(rest) > 2 else 0
                yield _join_response(waiting.pop(rest[0]), raw, took_ns / 1e6)
        except UnreadableEntry as error:
            raise BadTrafficFile(f"{place}: {error}") from None
        if len(waiting) > MOST_WAITING:
            yield waiting.pop(next(iter(waiting)))
    yield from waiting.values()


def _split_payloads(source: Source, name: str) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    while line := source.readline(PAYLOAD_BYTES):
        if line.rstrip(b"\r\n") == SEPARATOR:
            if payload := b"".join(lines).removesuffix(b"\n"):
                yield payload
            lines, size = [], 0
            continue
        lines.append(line)
        size += len(line)
        if size > PAYLOAD_BYTES:
            raise BadTrafficFile(f"{name}: a payload is longer than {PAYLOAD_BYTES // 1_048_576} MiB")
    if payload := b"".join(lines).removesuffix(b"\n"):
        yield payload


@dataclass(slots=True)
class _Message:
    """What httptools reads of one message; the names are its callbacks'."""

    url: bytes = b""
    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: list[bytes] = field(default_factory=list[bytes])

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self.body.append(body)


def _read_request(raw: bytes, place: str, at_s: float) -> RecordedRequest:
    message = _Message()
    parser = httptools.HttpRequestParser(message)
    try:
        parser.feed_data(raw)
        method = parser.get_method().decode("ascii")
    except httptools.HttpParserError as error:
        raise UnreadableEntry(f"not an HTTP request: {error}") from None
    headers = _without_chunks(message)
    host = next((value for name, value in headers if name == "host"), "")
    return RecordedRequest(
        place=place,
        at_s=at_s,
        method=method,
        origin=f"http://{host}" if host else "",
        target=check_target(message.url.decode("latin-1"), "the request line"),
        headers=headers,
        body=b"".join(message.body),
    )


def _join_response(request: RecordedRequest, raw: bytes, latency_ms: float) -> RecordedRequest:
    message = _Message()
    parser = httptools.HttpResponseParser(message)
    try:
        parser.feed_data(raw)
        status = parser.get_status_code()
    except httptools.HttpParserError as error:
        raise UnreadableEntry(f"not an HTTP response: {error}") from None
    response = Response(status, _without_chunks(message), b"".join(message.body), latency_ms)
    return replace(request, response=response)


def _without_chunks(message: _Message) -> Headers:
    headers = normalize_headers(message.fields, "the headers")
    return tuple(each for each in headers if each[0] != "transfer-encoding")


def _read_number(text: bytes) -> int:
    try:
        return int(text)
    except ValueError:
        raise UnreadableEntry(f"{shorten(text.decode(errors='replace'))} in its first line is no number") from None

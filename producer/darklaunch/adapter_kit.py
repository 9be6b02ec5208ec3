"""What every way of adding the hook must do, as a list that can be run against a real server.

    with captured(allow=("POST /**",)) as seen:
        problems = run_adapter_kit(("127.0.0.1", 8000), seen)
    assert problems == {}

The app behind the address has these routes, in whatever way its framework writes them:

    GET  /orders/{id}   {"id": ID} as JSON, with the header X-Kit: 1
    POST /echo          the body it was sent, as application/octet-stream
    POST /ignore        200, without reading the body
    GET  /stream        `one two`, in two pieces, as text/plain
    GET  /empty         204
    GET  /fails         an unhandled exception
    GET  /not-modified  304
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from darklaunch_shared.wire.exchange import Exchange
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER, SERVER_TIMING_FIELD, has_server_timing

WAIT_S: Final = 60.0
LARGE: Final = bytes(range(256)) * 400
REPLAY: Final = {EXCHANGE_HEADER: "abcd1234:1"}


class SeenExchanges(Protocol):
    """What was captured; `darklaunch.testing.captured` yields one."""

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The captured exchanges."""
        ...

    @property
    def skipped(self) -> Mapping[str, int]:
        """The number of requests that were skipped, by reason."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One request, what the client must get, and what must be captured of it.

    `skip` names the reason where nothing is captured. `template` is the route's, "" where the path itself is enough.
    """

    name: str
    method: str = "GET"
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    chunked: bool = False
    status: int = 200
    answer: bytes | None = None
    template: str = ""
    skip: str = ""


def _describe(
    name: str, target: str, *, headers: Mapping[str, str] | None = None, method: str = "GET", **rest: object
) -> Behaviour:
    return Behaviour(name=name, target=target, method=method, headers=headers or {}, **rest)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


BEHAVIOURS: Final = (
    _describe("route", "/orders/7?kit=route&kit=%C3%A9", template="/orders/{id}"),
    _describe("head", "/orders/7?kit=head", method="HEAD", answer=b"", template="/orders/{id}"),
    _describe("body", "/echo?kit=body", method="POST", body=b"one\x00two\xff", answer=b"one\x00two\xff"),
    _describe(
        "chunked body", "/echo?kit=chunked", method="POST", body=b"piece " * 9, answer=b"piece " * 9, chunked=True
    ),
    _describe("large body", "/echo?kit=large", method="POST", body=LARGE, answer=LARGE),
    _describe("unread body", "/ignore?kit=unread", method="POST", body=b"x" * 9, skip="unread_body"),
    _describe("stream", "/stream?kit=stream", answer=b"one two"),
    _describe("no body", "/empty?kit=empty", status=204, answer=b""),
    _describe("not modified", "/not-modified?kit=304", status=304, answer=b""),
    _describe("unhandled error", "/fails?kit=fails", status=500),
    _describe("unknown path", "/nothing/here?kit=unknown", status=404),
    _describe("conditional", "/orders/7?kit=conditional", headers={"If-None-Match": '"x"'}, skip="conditional"),
    _describe("replay", "/orders/7?kit=replay", headers=REPLAY, skip="loop"),
)
"""The behaviours, by name."""


def run_adapter_kit(
    address: tuple[str, int], seen: SeenExchanges, behaviours: Sequence[Behaviour] = BEHAVIOURS
) -> dict[str, str]:
    """Send each behaviour's request to a server; return what is wrong, by the behaviour's name."""
    problems: dict[str, str] = {}
    for behaviour in behaviours:
        if problem := _check_behaviour(address, seen, behaviour):
            problems[behaviour.name] = problem
    return problems


def _check_behaviour(address: tuple[str, int], seen: SeenExchanges, behaviour: Behaviour) -> str:
    connection = http.client.HTTPConnection(*address, timeout=WAIT_S)
    try:  # open until the end: a client that leaves at once may be counted as one that left too early
        return _check_on_connection(connection, seen, behaviour)
    finally:
        connection.close()


def _check_on_connection(connection: http.client.HTTPConnection, seen: SeenExchanges, behaviour: Behaviour) -> str:
    skipped = dict(seen.skipped)
    status, headers, answer = _send_request(connection, behaviour)
    if status != behaviour.status:
        return f"the client got {status}, expected {behaviour.status}"
    if behaviour.answer is not None and answer != behaviour.answer:
        return f"the client got {answer[:60]!r}, expected {behaviour.answer[:60]!r}"
    if behaviour.headers is REPLAY and not has_server_timing(headers.get(SERVER_TIMING_FIELD, "")):
        return f"a replay's response names no time: {headers}"
    if behaviour.skip:
        counted = _wait_until(lambda: seen.skipped.get(behaviour.skip, 0) > skipped.get(behaviour.skip, 0))
        return "" if counted else f"not counted as {behaviour.skip}: {dict(seen.skipped)}"
    _wait_until(lambda: bool(_find_exchanges(seen, behaviour)))
    exchanges = _find_exchanges(seen, behaviour)
    if len(exchanges) != 1:
        return f"captured {len(exchanges)} times; skipped: {dict(seen.skipped)}"
    return _explain_difference(exchanges[0], behaviour, status, headers, answer)


def _explain_difference(
    exchange: Exchange, behaviour: Behaviour, status: int, headers: Mapping[str, str], answer: bytes
) -> str:
    """Return what is captured otherwise than the client sent or got it, "" if nothing is."""
    expected: list[tuple[str, object, object]] = [
        ("method", exchange.request.method, behaviour.method),
        ("request body", exchange.request.body, behaviour.body),
        ("status", exchange.primary.status, status),
        ("response body", exchange.primary.body, answer),
    ]
    if behaviour.template:
        expected.append(("endpoint", exchange.endpoint, f"{behaviour.method} {behaviour.template}"))
    captured = dict(exchange.primary.headers)
    expected += [(name, captured.get(name), headers.get(name)) for name in ("content-type", "x-kit")]
    for what, got, wanted in expected:
        if got != wanted:
            return f"the {what} was captured as {str(got)[:60]!r}, not {str(wanted)[:60]!r}"
    return "" if exchange.primary.latency_ms > 0 else "no latency was captured"


def _find_exchanges(seen: SeenExchanges, behaviour: Behaviour) -> list[Exchange]:
    return [exchange for exchange in seen.exchanges if exchange.request.target == behaviour.target]


def _send_request(connection: http.client.HTTPConnection, behaviour: Behaviour) -> tuple[int, Mapping[str, str], bytes]:
    headers = {"Host": "kit.example", **behaviour.headers}
    if behaviour.chunked:
        pieces = iter([behaviour.body[:10], behaviour.body[10:]])
        connection.request(behaviour.method, behaviour.target, pieces, headers)
    else:
        connection.request(behaviour.method, behaviour.target, behaviour.body or None, headers)
    response = connection.getresponse()
    answer = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, answer


def _wait_until(happened: Callable[[], bool]) -> bool:
    give_up_s = time.monotonic() + WAIT_S
    while not happened():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.01)
    return True

"""The hook in the shadow: the same response, with the time it took inside the app."""

from __future__ import annotations

import asyncio
import io
import re
import time
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.testing import captured
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asgi import Server, answering, body, get, scope_of, start
from tests.support.wsgi import PLAIN, call, environ_of, ignore_start
from tests.support.wsgi import answering as wsgi_answering

MARK = [(b"x-darklaunch-exchange", b"abcd1234:1")]
WSGI_MARK: dict[str, Any] = {"HTTP_X_DARKLAUNCH_EXCHANGE": "abcd1234:1"}
TIMING = re.compile(r"darklaunch;dur=(\d+\.\d{3})")


def read_ms(value: str) -> float:
    timing = TIMING.fullmatch(value)
    assert timing is not None, value
    return float(timing[1])


def without_timing(messages):
    """Take the header out of a response's messages; return them and the duration in ms."""
    first, *rest = messages
    assert first["headers"][-1][0] == b"server-timing"
    return [{**first, "headers": first["headers"][:-1]}, *rest], read_ms(first["headers"][-1][1].decode())


@given(chunks=st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_a_replay_gets_the_same_messages_and_one_header_more(chunks) -> None:
    response = [start(200, (b"server-timing", b"db;dur=5"))]
    response += [body(chunk, more=at < len(chunks) - 1) for at, chunk in enumerate(chunks)]
    assert without_timing(get(CaptureMiddleware(answering(*response)), headers=MARK))[0] == response


def test_a_response_names_the_build_that_gave_it(monkeypatch) -> None:
    monkeypatch.setenv("DARKLAUNCH_BUILD", "v42")
    first, *_ = get(CaptureMiddleware(answering(start(), body(b"x"))), headers=MARK)
    (_, headers), *_ = call(WSGICaptureMiddleware(wsgi_answering(b"x")), environ_of(**WSGI_MARK))
    for value in (first["headers"][-1][1].decode(), headers[-1][1]):
        assert re.fullmatch(r'darklaunch;dur=\d+\.\d{3}, darklaunch-build;desc="v42"', value)


def test_the_time_is_until_the_last_chunk_and_a_request_of_a_user_gets_no_header() -> None:
    async def app(scope, receive, send) -> None:
        await send(start())
        await send(body(b"first", more=True))
        await asyncio.sleep(0.06)
        await send(body(b"last"))

    _, took_ms = without_timing(get(CaptureMiddleware(app), headers=MARK))
    assert took_ms >= 50
    assert get(CaptureMiddleware(app))[0] == start()


@pytest.mark.parametrize(
    ("response", "held"),
    [
        ((start(), body(bytes(11), more=True), body(b"rest")), 1),  # over the cap: goes out as it comes
        ((start(200, (b"content-type", b"text/event-stream")), body(b"x", more=True), body(b"y")), 0),
        ((start(), {"type": "http.response.pathsend", "path": "/etc/hostname"}), 0),
        ((start(), body(b"never ended", more=True)), 1),
        ((start(trailers=True), body(b"x"), {"type": "http.response.trailers", "headers": []}), 1),
    ],
)
def test_a_response_that_cannot_be_held_goes_out_as_it_comes(response, held) -> None:
    server, seen = Server(), []

    async def app(scope, receive, send) -> None:
        for message in response:
            await send(dict(message))
            seen.append(len(server.sent))

    sent = server.run(CaptureMiddleware(app, body_cap_bytes=10), scope_of(headers=MARK))
    assert without_timing(sent)[0] == list(response)
    assert seen[0] == (0 if held or len(response) == 2 else 1)


def test_what_was_sent_before_an_error_is_sent_and_the_error_comes_out() -> None:
    async def app(scope, receive, send) -> None:
        await send(start())
        await send(body(b"half", more=True))
        raise RuntimeError("app")

    server = Server()
    with pytest.raises(RuntimeError, match="app"):
        server.run(CaptureMiddleware(app), scope_of(headers=MARK))
    assert without_timing(server.sent)[0] == [start(), body(b"half", more=True)]


def timed(app, **environ):
    """Call for a replay; return what a user would have got, and the duration in ms."""
    (status, headers), chunks, error = call(
        WSGICaptureMiddleware(app, body_cap_bytes=10), environ_of(**environ, **WSGI_MARK)
    )
    name, value = headers.pop()
    assert name == "Server-Timing"
    return (status, headers), b"".join(chunks), error, read_ms(value)


@given(chunks=st.lists(st.binary(max_size=8), max_size=5), wrap=st.sampled_from([iter, list, tuple]))
def test_a_replay_over_wsgi_gets_the_same_and_one_header_more(chunks, wrap) -> None:
    start_line, whole, error, _ = timed(wsgi_answering(*chunks, wrap=wrap))
    assert (start_line, whole, error) == (("200 OK", PLAIN), b"".join(chunks), None)


def test_over_wsgi_the_time_is_until_the_last_chunk() -> None:
    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        yield b"first"
        time.sleep(0.05)
        yield b"last"

    *_, took_ms = timed(app)
    assert took_ms >= 50


def test_over_wsgi_errors_come_out_after_what_was_sent_before() -> None:
    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        yield b"half"
        raise RuntimeError("app")

    start_line, whole, error, _ = timed(app)
    assert (start_line, whole, str(error)) == (("200 OK", PLAIN), b"half", "app")


def test_over_wsgi_streams_files_and_writes_go_out_as_they_come() -> None:
    pulled = []

    def stream(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        for number in range(100):
            pulled.append(number)
            yield b"x"

    result = WSGICaptureMiddleware(stream)(environ_of(**WSGI_MARK), ignore_start)
    assert next(iter(result)) == b"x"
    assert pulled == [0]

    def written(environ, start_response):
        start_response("200 OK", list(PLAIN))(b"one ")
        return iter([b"two"])

    assert timed(written)[1] == b"one two"
    file = FileWrapper(io.BytesIO(b"file"))
    environ = {**environ_of(**WSGI_MARK), "wsgi.file_wrapper": FileWrapper}
    app = WSGICaptureMiddleware(lambda _, start_response: (start_response("200 OK", []), file)[1])
    assert app(environ, ignore_start) is file


def test_over_wsgi_an_app_that_never_starts_its_response_is_left_to_the_server() -> None:
    assert WSGICaptureMiddleware(lambda *_: [b"x"])(environ_of(**WSGI_MARK), ignore_start) == [b"x"]


@pytest.mark.parametrize("style", ["yield", "write"])
def test_wsgi_ends_where_the_app_has_no_more_to_give_in_primary_and_shadow(style) -> None:
    def give():
        for _ in range(2):
            yield b"*"
            time.sleep(0.05)

    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        if style == "yield":
            return give()
        for chunk in give():
            write(chunk)
        return []

    hooked = WSGICaptureMiddleware(app)
    with captured() as seen:
        call(hooked)
    (_, headers), chunks, _ = call(hooked, environ_of(**WSGI_MARK))
    assert chunks == [b"*", b"*"]
    assert seen.exchanges[0].primary.body == b"**"
    assert seen.exchanges[0].primary.latency_ms >= 100
    assert read_ms(headers[-1][1]) >= 100


def test_what_is_written_beyond_the_cap_goes_out_as_it_comes(monkeypatch) -> None:
    monkeypatch.setenv("DARKLAUNCH_BODY_CAP_BYTES", "4")
    written: list[bytes] = []

    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        for piece, so_far in ((b"abc", []), (b"de", [b"abc", b"de"]), (b"f", [b"abc", b"de", b"f"])):
            write(piece)
            assert written == so_far
        return [b"g"]

    result = WSGICaptureMiddleware(app)(environ_of(**WSGI_MARK), lambda *_: written.append)
    assert list(result) == [b"g"]

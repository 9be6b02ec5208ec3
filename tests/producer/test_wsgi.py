"""What the hook does to a WSGI request: nothing; and what it keeps of it. wsgiref's validator watches both sides."""

from __future__ import annotations

import io
import logging
from typing import Any
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import pytest
from darklaunch import WSGICaptureMiddleware
from darklaunch.capture.recording import Recording
from darklaunch.testing import captured
from hypothesis import given
from hypothesis import strategies as st

from tests.support.wsgi import PLAIN, answering, call, environ_of, ignore_start

CHUNKS = st.lists(st.binary(max_size=40), max_size=6)


@given(chunks=CHUNKS, body=st.binary(max_size=60), wrap=st.sampled_from([iter, list, tuple, lambda c: (x for x in c)]))
def test_what_the_server_gets_is_the_same_with_and_without_the_hook_and_the_exchange_is_kept(
    chunks, body, wrap
) -> None:
    app = answering(*chunks, wrap=wrap, headers=[("Content-Type", "text/plain"), ("X-Two", "1"), ("x-two", "2")])
    environ = {"method": "POST", "body": body}
    bare = call(app, environ_of("/quote?q=%20", **environ))
    with captured(allow=("POST /quote",)) as seen:
        hooked = call(WSGICaptureMiddleware(app), environ_of("/quote?q=%20", **environ))
    assert hooked == bare
    (exchange,) = seen.exchanges
    assert exchange.request.body == body
    assert exchange.request.target == "/quote?q=%20"
    assert exchange.request.origin == "http://shop.example"
    assert exchange.primary.body == b"".join(chunks)
    assert exchange.primary.headers == (("content-type", "text/plain"), ("x-two", "1"), ("x-two", "2"))


@pytest.mark.parametrize("sampled", [0, 100])
@pytest.mark.parametrize("replay", [{}, {"HTTP_X_DARKLAUNCH_EXCHANGE": "a:1"}], ids=["request", "replay"])
@pytest.mark.parametrize("wrap", [iter, list], ids=["iterator", "list"])
@pytest.mark.parametrize("method", ["read", "readline", "readlines", "__iter__"])
def test_both_sides_keep_to_the_letter_of_wsgi(sampled, replay, wrap, method) -> None:
    def app(environ, start_response):
        given = environ["wsgi.input"]
        lines = [given.read(99)] if method == "read" else [given.readline()] if method == "readline" else list(given)
        start_response("200 OK", list(PLAIN))
        return wrap([b"".join(lines)])

    environ = environ_of("/", "POST", b"one\ntwo\n", **replay)
    del environ["CONTENT_TYPE"]  # the validator wants a type only where there is a body to it
    with captured(percent=sampled, allow=("POST /",)) as seen:
        started, chunks, error = call(validator(WSGICaptureMiddleware(validator(app))), environ)
    assert (started[0], error) == ("200 OK", None)
    assert b"".join(chunks) == (b"one\n" if method == "readline" else b"one\ntwo\n")
    expected = 0 if replay or not sampled or method == "readline" else 1
    assert len(seen.exchanges) == expected


def test_what_is_not_sampled_gets_the_servers_own_callables_and_the_server_the_apps_own_result() -> None:
    result, given = [b"x"], []

    def app(environ, start_response):
        given.append((environ, start_response))
        return result

    environ, start_response = environ_of(), ignore_start
    with captured(percent=0):
        assert WSGICaptureMiddleware(app)(environ, start_response) is result
    assert given == [(environ, start_response)]


def test_a_list_stays_the_list_it_was_and_a_file_stays_the_servers_to_send() -> None:
    cases: list[tuple[Any, str]] = [([b"x"], ""), (FileWrapper(io.BytesIO(b"file")), "unsupported")]
    for result, reason in cases:

        def app(environ, start_response, result=result):
            start_response("200 OK", list(PLAIN))
            return result

        environ = {**environ_of(), "wsgi.file_wrapper": FileWrapper}
        with captured() as seen:
            assert WSGICaptureMiddleware(app)(environ, ignore_start) is result
        assert seen.skipped == ({reason: 1} if reason else {})
        assert len(seen.exchanges) == (not reason)


def test_write_passes_on_and_is_kept() -> None:
    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        write(b"one ")
        write(b"two ")
        return iter([b"three"])

    with captured() as seen:
        assert call(WSGICaptureMiddleware(app))[1] == [b"one ", b"two ", b"three"]
    assert seen.exchanges[0].primary.body == b"one two three"


def test_a_second_start_response_replaces_the_first() -> None:
    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        try:
            raise ValueError("late")
        except ValueError as error:
            start_response("500 Oops", [("X-Late", "1")], (type(error), error, error.__traceback__))
        return [b"sorry"]

    with captured() as seen:
        assert call(WSGICaptureMiddleware(app))[0] == ["500 Oops", [("X-Late", "1")]]
    assert seen.exchanges[0].primary.status == 500
    assert seen.exchanges[0].primary.headers == (("x-late", "1"),)


def test_a_response_started_while_iterating_is_kept() -> None:
    def app(environ, start_response):
        start_response("201 Created", list(PLAIN))
        yield b"late"

    with captured() as seen:
        assert call(WSGICaptureMiddleware(app))[0][0] == "201 Created"
    assert seen.exchanges[0].primary.status == 201


@pytest.mark.parametrize("error", [RuntimeError("app"), SystemExit(1), KeyboardInterrupt()])
def test_the_apps_own_exception_comes_out_unchanged(error) -> None:
    def failing(environ: Any, start_response: Any) -> Any:
        raise error

    def failing_late(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", list(PLAIN))
        yield b"half"
        raise error

    for app in (failing, failing_late):
        with captured() as seen:
            with pytest.raises(type(error)) as caught:
                list(WSGICaptureMiddleware(app)(environ_of(), ignore_start))
            assert caught.value is error
        assert seen.skipped == {"aborted": 1}


@pytest.mark.parametrize("step", ["__init__", "add_request_chunk", "begin_response", "add_response_chunk", "finish"])
@pytest.mark.parametrize("wrap", [iter, list], ids=["iterator", "list"])
def test_an_error_of_the_hook_reaches_the_log_and_nobody_else(step, wrap, monkeypatch, caplog) -> None:
    def broken(*_, **__) -> None:
        raise ZeroDivisionError("in the hook")

    monkeypatch.setattr(Recording, step, broken)
    app = WSGICaptureMiddleware(answering(b"a", b"b", wrap=wrap), app_name=f"broken-{step}-{wrap.__name__}")
    with captured(allow=("POST /",)), caplog.at_level(logging.ERROR, "darklaunch"):
        assert call(app, environ_of("/", "POST", b"body")) == (["200 OK", PLAIN], [b"a", b"b"], None)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


def test_headers_are_read_from_the_environ() -> None:
    environ = environ_of("/", "POST", b"{}", HTTP_X_TWO="a,b", CONTENT_TYPE="application/json")
    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(answering(b"x")), environ)
    assert dict(seen.exchanges[0].request.headers) == {
        "host": "shop.example", "x-two": "a,b", "content-type": "application/json", "content-length": "2",
    }  # fmt: skip

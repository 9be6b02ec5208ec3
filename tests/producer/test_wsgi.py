"""What the hook does to a WSGI request: nothing; and what it keeps of it. wsgiref's validator watches both sides."""

from __future__ import annotations

import io
import logging
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from darklaunch import WSGICaptureMiddleware
from darklaunch.capture.recording import Recording
from darklaunch.testing import captured
from hypothesis import given
from hypothesis import strategies as st

CHUNKS = st.lists(st.binary(max_size=40), max_size=6)
PLAIN = [("Content-Type", "text/plain")]


def environ_of(target="/", method="GET", body=b"", **more):
    path, _, query = target.partition("?")
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": target}
    if body:
        environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/octet-stream"}
    setup_testing_defaults(environ)
    return {**environ, "wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "shop.example", **more}


def call(app, environ=None, *, until=None):
    """Do what a server does: call, iterate, close. Return [status, headers], the chunks, and the error on the way."""
    started, chunks = [], []

    def start_response(status, headers, exc_info=None):
        started[:] = [status, list(headers)]
        return chunks.append

    result = app(environ or environ_of(), start_response)
    error = None
    try:
        for chunk in result:
            chunks.append(chunk)
            if len(chunks) == until:
                break
    except RuntimeError as raised:
        error = raised
    if hasattr(result, "close"):
        result.close()
    return started, chunks, error


def answering(*chunks, status="200 OK", headers=PLAIN, wrap=iter, read=True):
    def app(environ, start_response):
        if read:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, list(headers))
        return wrap(chunks)

    return app


@given(chunks=CHUNKS, body=st.binary(max_size=60), wrap=st.sampled_from([iter, list, tuple, lambda c: (x for x in c)]))
def test_what_the_server_gets_is_the_same_with_and_without_the_hook_and_the_exchange_is_kept(chunks, body, wrap):
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
def test_both_sides_keep_to_the_letter_of_wsgi(sampled, replay, wrap, method):
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


@pytest.mark.parametrize(
    "read",
    [
        lambda given: given.read(),
        lambda given: given.read(-1),
        lambda given: given.read(None),
        lambda given: [given.read(3), given.read(3), given.read(3)],
        lambda given: given.readlines(),
        lambda given: list(given),
        lambda given: [given.readline(), given.readline(), given.readline()],
        lambda given: [given.readline(2), given.read()],
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_the_request_body_is_kept_however_the_app_reads_it(read, chunked):
    def app(environ, start_response):
        read(environ["wsgi.input"])
        start_response("200 OK", [])
        return []

    environ = environ_of("/", "POST", b"one\ntwo")
    if chunked:
        del environ["CONTENT_LENGTH"]
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(app), environ)
    assert [exchange.request.body for exchange in seen.exchanges] == [b"one\ntwo"]


def test_a_body_the_app_did_not_read_to_its_end_is_skipped():
    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(answering(b"x", read=False)), environ_of("/", "POST", b"body"))
    assert seen.skipped == {"unread_body": 1}


def test_the_servers_input_keeps_what_else_it_can_do():
    def app(environ, start_response):
        assert environ["wsgi.input"].tell() == 0
        start_response("200 OK", [])
        return []

    with captured(allow=("POST /",)):
        call(WSGICaptureMiddleware(app), environ_of("/", "POST", b"body"))


def test_what_is_not_sampled_gets_the_servers_own_callables_and_the_server_the_apps_own_result():
    result, given = [b"x"], []

    def app(environ, start_response):
        given.append((environ, start_response))
        return result

    environ, start_response = environ_of(), print
    with captured(percent=0):
        assert WSGICaptureMiddleware(app)(environ, start_response) is result
    assert given == [(environ, start_response)]


def test_a_list_stays_the_list_it_was_and_a_file_stays_the_servers_to_send():
    listed, sent = [b"x"], FileWrapper(io.BytesIO(b"file"))
    for result, reason in ((listed, None), (sent, "unsupported")):

        def app(environ, start_response, result=result):
            start_response("200 OK", list(PLAIN))
            return result

        environ = environ_of(**{"wsgi.file_wrapper": FileWrapper})
        with captured() as seen:
            assert WSGICaptureMiddleware(app)(environ, lambda *_: None) is result
        assert seen.skipped == ({reason: 1} if reason else {})
        assert len(seen.exchanges) == (reason is None)


def test_a_sized_body_stays_sized():
    class Sized:
        def __len__(self):
            return 1

        def __iter__(self):
            return iter([b"only"])

    with captured() as seen:
        result = WSGICaptureMiddleware(lambda _, start: (start("200 OK", []), Sized())[1])(
            environ_of(), lambda *_: None
        )
        assert len(result) == 1
        assert list(result) == [b"only"]
    assert seen.exchanges[0].primary.body == b"only"


def test_write_passes_on_and_is_kept():
    def app(environ, start_response):
        write = start_response("200 OK", list(PLAIN))
        write(b"one ")
        write(b"two ")
        return iter([b"three"])

    with captured() as seen:
        assert call(WSGICaptureMiddleware(app))[1] == [b"one ", b"two ", b"three"]
    assert seen.exchanges[0].primary.body == b"one two three"


def test_a_second_start_response_replaces_the_first():
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


def test_a_response_started_while_iterating_is_kept():
    def app(environ, start_response):
        start_response("201 Created", list(PLAIN))
        yield b"late"

    with captured() as seen:
        assert call(WSGICaptureMiddleware(app))[0][0] == "201 Created"
    assert seen.exchanges[0].primary.status == 201


@pytest.mark.parametrize("error", [RuntimeError("app"), SystemExit(1), KeyboardInterrupt()])
def test_the_apps_own_exception_comes_out_unchanged(error):
    def failing(environ, start_response):
        raise error

    def failing_late(environ, start_response):
        start_response("200 OK", list(PLAIN))
        yield b"half"
        raise error

    for app in (failing, failing_late):
        with captured() as seen:
            with pytest.raises(type(error)) as caught:
                list(WSGICaptureMiddleware(app)(environ_of(), lambda *_: None))
            assert caught.value is error
        assert seen.skipped == {"aborted": 1}


def test_close_reaches_the_app_once_also_when_the_client_left():
    closed = []

    class Body:
        def __iter__(self):
            yield from (b"a", b"b", b"c")

        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", list(PLAIN))
        return Body()

    with captured() as seen:
        call(WSGICaptureMiddleware(app))
        call(WSGICaptureMiddleware(app), until=1)
    assert closed == [True, True]
    assert len(seen.exchanges) == 1
    assert seen.skipped == {"aborted": 1}


def test_a_server_that_stops_at_the_announced_length_has_sent_all():
    app = answering(b"all", headers=[("Content-Length", "3")])
    with captured() as seen:
        call(WSGICaptureMiddleware(app), until=1)
    assert seen.exchanges[0].primary.body == b"all"


def test_a_server_that_forgets_to_close_leaves_no_memory_behind():
    app = WSGICaptureMiddleware(answering(b"x" * 1000, b"y"))
    with captured() as seen:
        outbox = app._recorder.buffer
        result = iter(app(environ_of(), lambda *_: None))
        assert next(result) == b"x" * 1000
        assert outbox.used_bytes > 1000
        del result
        assert outbox.used_bytes == 0
    assert seen.skipped == {"aborted": 1}


@pytest.mark.parametrize("step", ["__init__", "add_request_chunk", "begin_response", "add_response_chunk", "finish"])
@pytest.mark.parametrize("wrap", [iter, list], ids=["iterator", "list"])
def test_an_error_of_the_hook_reaches_the_log_and_nobody_else(step, wrap, monkeypatch, caplog):
    def broken(*_, **__):
        raise ZeroDivisionError("in the hook")

    monkeypatch.setattr(Recording, step, broken)
    app = WSGICaptureMiddleware(answering(b"a", b"b", wrap=wrap), app_name=f"broken-{step}-{wrap.__name__}")
    with captured(allow=("POST /",)), caplog.at_level(logging.ERROR, "darklaunch"):
        assert call(app, environ_of("/", "POST", b"body")) == (["200 OK", PLAIN], [b"a", b"b"], None)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"HTTP_IF_MODIFIED_SINCE": "x"}, "conditional"),
        ({"HTTP_UPGRADE": "websocket"}, "streaming"),
        ({"RAW_URI": "*", "REQUEST_METHOD": "OPTIONS"}, "unsupported"),
        ({"REQUEST_METHOD": "DELETE"}, "unsafe_method"),
        ({"HTTP_X_DARKLAUNCH_EXCHANGE": "a:1"}, "loop"),
    ],
)
def test_what_cannot_be_compared_is_skipped_by_name(environ, reason):
    with captured() as seen:
        call(WSGICaptureMiddleware(answering(b"x")), environ_of(**environ))
    assert seen.skipped == {reason: 1}


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"RAW_URI": "/a%2Fb/../c?x=\xff"}, "/a%2Fb/../c?x=\xff"),
        ({"RAW_URI": "http://shop.example/a?b"}, "/a?b"),
        ({"RAW_URI": "", "REQUEST_URI": "/b%20c"}, "/b%20c"),
        ({"RAW_URI": "", "SCRIPT_NAME": "/api", "PATH_INFO": "/\xc3\xa9 x", "QUERY_STRING": "q"}, "/api/%C3%A9%20x?q"),
        ({"RAW_URI": "", "SCRIPT_NAME": "", "PATH_INFO": ""}, "/"),
    ],
)  # fmt: skip
def test_the_target_is_the_servers_own_or_built_again(environ, target):
    with captured() as seen:
        call(WSGICaptureMiddleware(answering(b"x")), environ_of(**environ))
    assert seen.exchanges[0].request.target == target


def test_headers_are_read_from_the_environ():
    environ = environ_of("/", "POST", b"{}", HTTP_X_TWO="a,b", CONTENT_TYPE="application/json")
    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(answering(b"x")), environ)
    assert dict(seen.exchanges[0].request.headers) == {
        "host": "shop.example", "x-two": "a,b", "content-type": "application/json", "content-length": "2",
    }  # fmt: skip


def test_a_header_that_http_cannot_carry_is_counted_as_bad_input():
    with captured() as seen:
        call(WSGICaptureMiddleware(answering(b"x", headers=[("X-Euro", "€")])))
        call(WSGICaptureMiddleware(answering(b"x")), environ_of("/a b"))
    assert seen.dropped == {"bad_input": 2}

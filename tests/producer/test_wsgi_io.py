"""The two bodies of a WSGI request, however app and server read them."""

from __future__ import annotations

import io
from collections.abc import Sized

import pytest
from darklaunch import WSGICaptureMiddleware
from darklaunch.testing import captured

from tests.support.wsgi import PLAIN, answering, call, environ_of, ignore_start


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
def test_the_request_body_is_kept_however_the_app_reads_it(read, chunked) -> None:
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


def test_a_body_the_app_did_not_read_to_its_end_is_skipped() -> None:
    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(answering(b"x", read=False)), environ_of("/", "POST", b"body"))
    assert seen.skipped == {"unread_body": 1}


def test_the_servers_input_keeps_what_else_it_can_do() -> None:
    def app(environ, start_response):
        assert environ["wsgi.input"].tell() == 0
        start_response("200 OK", [])
        return []

    with captured(allow=("POST /",)):
        call(WSGICaptureMiddleware(app), environ_of("/", "POST", b"body"))


def test_a_sized_body_stays_sized() -> None:
    class SizedBody:
        def __len__(self):
            return 1

        def __iter__(self):
            return iter([b"only"])

    with captured() as seen:
        result = WSGICaptureMiddleware(lambda _, start: (start("200 OK", []), SizedBody())[1])(
            environ_of(), ignore_start
        )
        assert isinstance(result, Sized)
        assert len(result) == 1
        assert list(result) == [b"only"]
    assert seen.exchanges[0].primary.body == b"only"


def test_close_reaches_the_app_once_also_when_the_client_left() -> None:
    closed = []

    class Body:
        def __iter__(self):
            yield from (b"a", b"b", b"c")

        def close(self) -> None:
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


def test_a_server_that_stops_at_the_announced_length_has_sent_all() -> None:
    app = answering(b"all", headers=[("Content-Length", "3")])
    with captured() as seen:
        call(WSGICaptureMiddleware(app), until=1)
    assert seen.exchanges[0].primary.body == b"all"


def test_a_server_that_forgets_to_close_leaves_no_memory_behind() -> None:
    app = WSGICaptureMiddleware(answering(b"x" * 1000, b"y"))
    with captured() as seen:
        buffer = app._recorder.buffer
        result = iter(app(environ_of(), ignore_start))
        assert next(result) == b"x" * 1000
        assert buffer.used_bytes > 1000
        del result
        assert buffer.used_bytes == 0
    assert seen.skipped == {"aborted": 1}


def test_what_was_read_past_is_not_known_and_the_request_is_skipped() -> None:
    def app(environ, start_response):
        environ["wsgi.input"].seek(2)
        environ["wsgi.input"].read()
        start_response("200 OK", [])
        return []

    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(app), environ_of("/", "POST", b"body"))
    assert seen.skipped == {"unread_body": 1}


def test_a_rewound_body_is_recorded_once_and_in_order() -> None:
    read = []

    def app(environ, start_response):
        given = environ["wsgi.input"]
        assert isinstance(given, io.BytesIO)
        read.extend([given.read(3), given.seek(1), next(given), given.seek(0), given.read(), given.read()])
        start_response("200 OK", [])
        return []

    with captured(allow=("POST /",)) as seen:
        call(WSGICaptureMiddleware(app), environ_of("/", "POST", b"one\ntwo"))
    assert read == [b"one", 1, b"ne\n", 0, b"one\ntwo", b""]
    assert [exchange.request.body for exchange in seen.exchanges] == [b"one\ntwo"]


def test_a_file_that_the_server_knows_again_by_identity_stays_that_object() -> None:
    """As uWSGI does: its wrapper is a function, and what it returned need not be iterable."""

    class Reader:
        def read(self, size=-1):
            return b""

    def wrap(reader, size=0):
        return reader

    def app(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](reader, 8192)

    reader: object = Reader()
    for marked in ({}, {"HTTP_X_DARKLAUNCH_EXCHANGE": "abcd1234:1"}):
        with captured() as seen:
            environ = environ_of("/") | {"wsgi.file_wrapper": wrap} | marked
            assert WSGICaptureMiddleware(app)(environ, ignore_start) is reader
        assert seen.skipped == ({"loop": 1} if marked else {"unsupported": 1})

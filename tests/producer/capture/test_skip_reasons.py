"""What cannot be compared fairly is skipped under its own name."""

from __future__ import annotations

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.testing import captured

from tests.support.asgi import answering, body, get, start
from tests.support.wsgi import answering as wsgi_answering
from tests.support.wsgi import call, environ_of


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"HTTP_IF_MODIFIED_SINCE": "x"}, "conditional"),
        ({"HTTP_UPGRADE": "websocket"}, "streaming"),
        ({"RAW_URI": "*", "REQUEST_METHOD": "OPTIONS"}, "unsupported"),
        ({"REQUEST_METHOD": "DELETE"}, "unsafe_method"),
        ({"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"}, "method_override"),
        ({"RAW_URI": "/?_method=DELETE"}, "method_override"),
        ({"HTTP_X_DARKLAUNCH_EXCHANGE": "a:1"}, "loop"),
    ],
)
def test_over_wsgi_what_cannot_be_compared_is_skipped_by_name(environ, reason) -> None:
    with captured() as seen:
        call(WSGICaptureMiddleware(wsgi_answering(b"x")), environ_of(**environ))
    assert seen.skipped == {reason: 1}


RESPONSE = (start(200, (b"content-type", b"text/plain")), body(b"hello"))


@pytest.mark.parametrize(
    ("headers", "response", "reason"),
    [
        ([(b"if-none-match", b'"a"')], RESPONSE, "conditional"),
        ([(b"x-method-override", b"PUT")], RESPONSE, "method_override"),
        ([(b"range", b"bytes=0-1")], RESPONSE, "conditional"),
        ([(b"upgrade", b"h2c")], RESPONSE, "streaming"),
        ([(b"content-type", b"application/grpc+proto")], RESPONSE, "streaming"),
        ([], (start(200, (b"Content-Type", b"text/event-stream; charset=utf-8")), body(b"x")), "streaming"),
        ([], (start(200, (b"content-type", b"multipart/x-mixed-replace")), body(b"x")), "streaming"),
        ([], (start(200, (b"content-type", b"Video/mp4")), body(b"x")), "content_type"),
        ([], (start(200, trailers=True), body(b"x")), "unsupported"),
        ([], (start(), {"type": "http.response.pathsend", "path": "/etc/hostname"}), "unsupported"),
        ([], (start(), {"type": "http.response.zerocopysend", "file": 3}), "unsupported"),
        ([], (start(), body(b"never ends", more=True)), "aborted"),
        ([], (), "aborted"),
        ([(b"x-darklaunch-exchange", b"a:1")], RESPONSE, "loop"),
    ],
)
def test_what_cannot_be_compared_is_skipped_by_name(headers, response, reason) -> None:
    with captured() as seen:
        get(CaptureMiddleware(answering(*response)), headers=headers)
    assert seen.skipped == {reason: 1}
    assert not seen.exchanges and not seen.dropped

"""The request target byte for byte, and the origin as the client saw it."""

from __future__ import annotations

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.testing import captured

from tests.support.asgi import Server, answering, body, scope_of, start
from tests.support.wsgi import answering as wsgi_answering
from tests.support.wsgi import call, environ_of


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
def test_the_target_is_the_servers_own_or_built_again(environ, target) -> None:
    with captured() as seen:
        call(WSGICaptureMiddleware(wsgi_answering(b"x")), environ_of(**environ))
    assert seen.exchanges[0].request.target == target


RESPONSE = (start(200, (b"content-type", b"text/plain")), body(b"hello"))


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        ({"raw_path": b"/a%2Fb/../c;x=1%zz", "query_string": b"a=%20&&b=\xff"}, "/a%2Fb/../c;x=1%zz?a=%20&&b=\xff"),
        ({"raw_path": b"http://proxy.example/a?x", "query_string": b"y"}, "/a?x?y"),
        ({"raw_path": b"http://proxy.example", "query_string": b"y"}, "/?y"),
        ({"raw_path": None, "path": "/caf\u00e9/a b"}, "/caf%C3%A9/a%20b"),
        ({"raw_path": b"/api/x", "root_path": "/api"}, "/api/x"),
    ],
)
def test_the_target_is_kept_byte_for_byte(scope, target) -> None:
    with captured() as seen:
        Server().run(CaptureMiddleware(answering(*RESPONSE)), {**scope_of(), **scope})
    assert [exchange.request.target for exchange in seen.exchanges] == [target]


def test_a_target_that_cannot_be_repeated_is_skipped() -> None:
    with captured() as seen:
        Server().run(CaptureMiddleware(answering(*RESPONSE)), {**scope_of(method="OPTIONS"), "raw_path": b"*"})
    assert seen.skipped == {"unsupported": 1}


@pytest.mark.parametrize(
    ("headers", "server", "origin"),
    [
        ([(b"host", b"[::1]:8080")], None, "https://[::1]:8080"),
        ([(b"host", b"x' ; rm -rf /")], ("10.0.0.1", 80), "https://10.0.0.1:80"),
        ([], ("::1", 8000), "https://[::1]:8000"),
        ([], ("/run/app.sock", None), "https://localhost"),
        ([], None, "https://localhost"),
    ],
)
def test_the_origin_is_what_the_client_asked_or_else_the_servers_own_name(headers, server, origin) -> None:
    scope = {**scope_of(), "headers": headers, "server": server, "scheme": "https"}
    with captured() as seen:
        Server().run(CaptureMiddleware(answering(*RESPONSE)), scope)
    assert seen.exchanges[0].request.origin == origin

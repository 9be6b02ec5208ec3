"""What HTTP cannot carry is counted, and never sent."""

from __future__ import annotations

from darklaunch import WSGICaptureMiddleware
from darklaunch.testing import captured

from tests.support.wsgi import answering, call, environ_of


def test_a_header_that_http_cannot_carry_is_counted_as_bad_input() -> None:
    with captured() as seen:
        call(WSGICaptureMiddleware(answering(b"x", headers=[("X-Euro", "€")])))
        call(WSGICaptureMiddleware(answering(b"x")), environ_of("/a b"))
    assert seen.dropped == {"bad_input": 2}


def test_the_names_of_the_credentials_that_were_left_out_travel_and_nothing_else_of_them() -> None:
    with captured() as seen:
        asked = {**environ_of("/"), "HTTP_AUTHORIZATION": "Bearer s3cret", "HTTP_COOKIE": "sid=s3cret"}
        call(WSGICaptureMiddleware(answering(b"x")), asked)
        call(WSGICaptureMiddleware(answering(b"x")), environ_of("/"))
    assert [exchange.redacted for exchange in seen.exchanges] == [("authorization", "cookie"), ()]
    assert "s3cret" not in str(seen.exchanges)

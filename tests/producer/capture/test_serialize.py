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

"""The hook's own connection to Redis."""

from __future__ import annotations

from urllib.parse import urlsplit

from darklaunch import CaptureMiddleware

from tests.support.asgi import answering, get
from tests.support.hook import eventually
from tests.support.hooked_app import RESPONSE


def test_the_password_is_in_no_log(valkey, caplog) -> None:
    url = urlsplit(valkey.url)
    app = CaptureMiddleware(answering(*RESPONSE), redis_url=f"redis://:{url.password}x@127.0.0.1:{valkey.port}/0")
    get(app)
    assert eventually(lambda: "refused the user or password" in caplog.text)
    assert url.password not in caplog.text
    app._recorder.stop(for_good=True)

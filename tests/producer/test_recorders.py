"""The recorders of a process: which hooks share one, and what they log when they cannot capture."""

from __future__ import annotations

import logging

from darklaunch import CaptureMiddleware

from tests.support.asgi import answering, body, get, start


def test_without_a_redis_the_hook_says_so_once_and_does_nothing(caplog, monkeypatch) -> None:
    monkeypatch.delenv("DARKLAUNCH_REDIS_URL", raising=False)
    with caplog.at_level(logging.WARNING, "darklaunch"):
        for _ in range(3):
            app = CaptureMiddleware(answering(start(), body(b"ok")), app_name="without a redis")
            assert get(app) == [start(), body(b"ok")]
    assert caplog.messages == ["darklaunch captures nothing: DARKLAUNCH_REDIS_URL is not set; it still times replays"]

"""Options: where they come from, and that a wrong one never stops an app."""

from __future__ import annotations

import logging

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.errors import BadSetting
from darklaunch.settings import HookSettings, read_settings

from tests.support.asgi import answering, body, get, start


def test_keywords_come_before_the_environment_and_that_before_defaults() -> None:
    environ = {
        "DARKLAUNCH_REDIS_URL": "redis://one:6379/0",
        "DARKLAUNCH_BODY_CAP_BYTES": " 1000 ",
        "DARKLAUNCH_REDACT_HEADERS": "X-One, x-two,",
        "DARKLAUNCH_APP_NAME": "",
        "DARKLAUNCH_UNHEARD_OF": "x",
    }
    settings = read_settings({"redis_url": "redis://two:6379/0", "buffer_bytes": None}, environ)
    assert settings == HookSettings(
        redis_url="redis://two:6379/0", body_cap_bytes=1000, redact_headers=frozenset({"x-one", "x-two"})
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"redis_url": "http://:secret@host:6379"}, "redis_url 'http://***@host:6379' is not a Redis URL"),
        (
            {"redis_url": "redis://:Secr3t/Pass@host:6379"},
            "redis_url 'redis://***' is not a Redis URL (write / as %2F in its password)",
        ),
        ({"redis_url": "redis://host:Secr3t"}, "redis_url 'redis://***' is not a Redis URL (its port is not a number"),
        ({"redis_url": "redis://host:port"}, "is not a Redis URL"),
        ({"redis_url": 6379}, "redis_url must be text, got 6379"),
        ({"body_cap_bytes": "256 KiB"}, "body_cap_bytes must be a whole number from 1 up, got '256 KiB'"),
        ({"buffer_entries": 0}, "buffer_entries must be a whole number from 1 up, got 0"),
        ({"buffer_bytes": True}, "buffer_bytes must be a whole number"),
        ({"redact_headers": 5}, "redact_headers must be a list of names"),
        ({"forward_headers": [b"cookie"]}, "forward_headers must be a list of names"),
        ({"redis_uri": "redis://host"}, "there is no option 'redis_uri'; the options are app_name, body_cap_bytes"),
    ],
)
@pytest.mark.parametrize("middleware", [CaptureMiddleware, WSGICaptureMiddleware])
def test_a_wrong_option_is_one_line_in_the_log_and_the_app_runs(options, message, middleware, caplog) -> None:
    with pytest.raises(BadSetting) as wrong:
        read_settings(options, {})
    assert message in str(wrong.value)
    with caplog.at_level(logging.ERROR, "darklaunch"):
        app = middleware(answering(start(), body(b"ok")), **options)
    assert [message in line for line in caplog.messages] == [True]
    assert "secret" not in caplog.text
    if middleware is CaptureMiddleware:
        assert get(app) == [start(), body(b"ok")]

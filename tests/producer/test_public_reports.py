"""What others' middlewares broke, rebuilt from their public bug reports: each link is one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.testing import captured

from tests.support.asgi import Server, answering, body, get, scope_of, start
from tests.support.pack_exchange import pack_exchange
from tests.support.wsgi import PLAIN, environ_of, ignore_start

SECRETS = ("s3cr3t-one", "s3cr3t-two")


def test_a_response_is_closed_by_the_server_and_not_at_the_end_of_its_iteration() -> None:
    """https://github.com/newrelic/newrelic-python-agent/issues/1401: headers of an empty response are sent after it."""
    events: list[str] = []

    class Body:
        def __iter__(self):
            events.append("iterated")
            return iter(())

        def close(self) -> None:
            events.append("closed")

    def app(environ, start_response):
        start_response("101 Switching Protocols", list(PLAIN))
        return Body()

    with captured():
        result: Any = WSGICaptureMiddleware(app)(environ_of(), ignore_start)
        assert list(result) == []
        assert events == ["iterated"]
        result.close()
    assert events == ["iterated", "closed"]


def test_a_background_task_is_neither_waited_for_nor_ended_when_the_client_leaves() -> None:
    """https://github.com/Kludex/starlette/issues/919 and https://github.com/encode/starlette/issues/1438."""
    ended: list[int] = []

    async def app(scope, receive, send):
        await receive()
        await send(start())
        await send(body(b"done"))
        ended.append(len(server.sent))  # the whole response is with the server before the task begins
        assert await receive() == {"type": "http.disconnect"}
        await asyncio.sleep(0.01)
        ended.append(-1)

    server = Server([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])
    with captured() as seen:
        server.run(CaptureMiddleware(app), scope_of())
    assert ended == [2, -1]
    assert seen.exchanges[0].primary.body == b"done"


def test_an_app_hears_at_once_that_its_client_left() -> None:
    """https://github.com/Kludex/starlette/pull/1715: a layer between server and app must not swallow the message."""
    heard: list[str] = []

    async def app(scope, receive, send):
        await receive()
        await send(start())
        await send(body(b"a", more=True))
        heard.append((await asyncio.wait_for(receive(), 1))["type"])

    with captured() as seen:
        server = Server([{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}])
        server.run(CaptureMiddleware(app), scope_of())
    assert heard == ["http.disconnect"]
    assert seen.skipped == {"aborted": 1}


def test_an_app_that_ends_without_a_response_after_its_client_left_raises_nothing() -> None:
    """https://github.com/Kludex/starlette/pull/1710: "No response returned" was raised for a client that was gone."""

    async def app(scope, receive, send):
        assert (await receive())["type"] == "http.disconnect"

    with captured() as seen:
        assert Server([{"type": "http.disconnect"}]).run(CaptureMiddleware(app), scope_of()) == []
    assert seen.skipped == {"aborted": 1}


@pytest.mark.parametrize("names", [(b"cookie", b"Cookie"), (b"authorization", b"AUTHORIZATION"), (b"x_api_key",) * 2])
def test_every_field_of_one_name_is_removed_whatever_its_case(names: tuple[bytes, bytes]) -> None:
    """https://github.com/elastic/apm-agent-nodejs/issues/786, https://github.com/teng-lin/notebooklm-py/pull/1636 and
    https://github.com/universal-tool-calling-protocol/python-utcp/pull/87: one spelling was scrubbed, others not.
    """
    fields = [(name, secret.encode()) for name, secret in zip(names, SECRETS, strict=True)]
    with captured() as seen:
        get(CaptureMiddleware(answering(start(200, *fields), body(b""))), headers=fields)
    travelling = b"".join(pack_exchange(seen.exchanges[0]).values())
    assert not any(secret.encode() in travelling for secret in SECRETS)


def test_every_cookie_that_a_response_sets_is_masked() -> None:
    """https://github.com/diegosouzapw/OmniRoute/pull/6451: only requests were scrubbed."""
    cookies = [(b"Set-Cookie", f"sid{at}={secret}; Path=/".encode()) for at, secret in enumerate(SECRETS)]
    with captured() as seen:
        get(CaptureMiddleware(answering(start(200, *cookies), body(b""))))
    assert seen.exchanges[0].primary.headers == tuple(
        ("set-cookie", f"sid{at}=[redacted]; Path=/") for at in range(len(SECRETS))
    )

"""What a recording keeps of a request, and how it stays within its bounds."""

from __future__ import annotations

import asyncio

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.capture.buffer import RecordingBuffer
from darklaunch.testing import captured

from tests.support.asgi import Server, answering, body, get, scope_of, start


def test_a_buffer_that_the_app_uses_again_is_kept_as_it_was() -> None:
    buffer = bytearray(b"one")

    async def app(scope, receive, send) -> None:
        await send(start())
        await send({"type": "http.response.body", "body": memoryview(buffer), "more_body": True})
        buffer[:] = b"two"
        await send({"type": "http.response.body", "body": buffer})
        buffer[:] = b"???"

    with captured() as seen:
        get(CaptureMiddleware(app))
    assert seen.exchanges[0].primary.body == b"onetwo"


def test_bodies_up_to_the_cap_are_kept_and_larger_ones_counted_while_the_user_gets_all() -> None:
    whole = bytes(1000)
    for size, kept in ((1000, 1), (999, 0)):
        app = CaptureMiddleware(
            answering(start(), body(whole[:500], more=True), body(whole[500:])), body_cap_bytes=size
        )
        with captured() as seen:
            sent = get(app)
        assert b"".join(message.get("body", b"") for message in sent) == whole
        assert len(seen.exchanges) == kept
        assert seen.dropped == ({} if kept else {"too_large": 1})


def test_a_large_request_body_is_counted_and_the_app_reads_all_of_it() -> None:
    read = []

    async def app(scope, receive, send) -> None:
        read.append((await receive())["body"])
        await send(start())
        await send(body(b"ok"))

    incoming = [{"type": "http.request", "body": bytes(1001)}]
    scope = scope_of("/", "POST", [(b"content-length", b"1001")])
    with captured(allow=("POST /",)) as seen:
        Server(incoming).run(CaptureMiddleware(app, body_cap_bytes=1000), scope)
    assert read == [bytes(1001)]
    assert seen.dropped == {"too_large": 1}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_bodies_that_servers_do_not_send_are_not_kept(method, status) -> None:
    with captured() as seen:
        get(CaptureMiddleware(answering(start(status), body(b"text"))), method=method)
    assert seen.exchanges[0].primary.body == b""


def test_memory_is_bounded_over_all_requests_under_way() -> None:
    """A hundred slow responses at once hold no more than the buffer may; the rest is counted, and memory comes back."""
    buffers: list[RecordingBuffer] = []
    release = asyncio.Event()

    async def slow(scope, receive, send) -> None:
        await send(start())
        await send(body(bytes(100_000), more=True))
        await release.wait()
        await send(body(b""))

    async def crowd() -> None:
        calls = [asyncio.ensure_future(app(scope_of(), Server().receive, Server().send)) for _ in range(300)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        buffers.append(app._recorder.buffer)
        assert buffers[0].used_bytes <= 16 * 1_048_576
        release.set()
        await asyncio.gather(*calls)

    app = CaptureMiddleware(slow)
    with captured() as seen:
        asyncio.run(crowd())
        assert len(seen.exchanges) + seen.dropped["buffer_full"] == 300
        assert 100 < len(seen.exchanges) < 200
    assert buffers[0].used_bytes == 0

"""What the hook does to an ASGI request: nothing; and what it keeps of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.capture.recording import Recording
from darklaunch.testing import captured
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asgi import Server, answering, body, get, scope_of, start

CHUNKS = st.lists(st.binary(max_size=40), min_size=1, max_size=6)
RESPONSE = (start(200, (b"content-type", b"text/plain")), body(b"hello"))


@given(sent=CHUNKS, received=CHUNKS, status=st.sampled_from([200, 201, 302, 404, 500, 503]))
def test_messages_are_the_same_with_and_without_the_hook_and_the_whole_exchange_is_kept(sent, received, status) -> None:
    response = [start(status, (b"X-Two", b"1"), (b"x-two", b"2"))]
    response += [body(chunk, more=at < len(sent) - 1) for at, chunk in enumerate(sent)]
    incoming = [
        {"type": "http.request", "body": chunk, "more_body": at < len(received) - 1}
        for at, chunk in enumerate(received)
    ]
    scope = scope_of("/quote?q=%20", "POST", [(b"transfer-encoding", b"chunked")])
    bare = Server(incoming).run(answering(*response), dict(scope))
    with captured(allow=("POST /quote",)) as seen:
        hooked = Server(incoming).run(CaptureMiddleware(answering(*response)), dict(scope))
    assert hooked == bare
    (exchange,) = seen.exchanges
    assert exchange.request.body == b"".join(received)
    assert exchange.request.target == "/quote?q=%20"
    assert exchange.primary.body == b"".join(sent)
    assert exchange.primary.status == status
    assert exchange.primary.headers == (("x-two", "1"), ("x-two", "2"))
    assert exchange.request.origin == "http://shop.example"


def test_what_is_not_sampled_gets_the_servers_own_callables() -> None:
    given = []

    async def app(scope, receive, send) -> None:
        given.append((scope, receive, send))

    server, scope = Server(), scope_of()
    with captured(percent=0):
        asyncio.run(CaptureMiddleware(app)(scope, receive := server.receive, send := server.send))
    assert given == [(scope, receive, send)]


@pytest.mark.parametrize("kind", ["websocket", "something.new"])
def test_other_protocols_pass_untouched(kind) -> None:
    given = []

    async def app(scope, receive, send) -> None:
        given.append((scope, receive, send))

    server, scope = Server(), {"type": kind}
    with captured() as seen:
        asyncio.run(CaptureMiddleware(app)(scope, receive := server.receive, send := server.send))
    assert given == [(scope, receive, send)]
    assert scope == {"type": kind}
    assert not seen.exchanges and not seen.skipped


@pytest.mark.parametrize("kind", ["lifespan.startup.complete", "lifespan.shutdown.failed", "odd"])
def test_lifespan_messages_pass_unchanged(kind) -> None:
    message = {"type": kind, "message": "x"}
    assert Server().run(CaptureMiddleware(answering(message, read=False)), {"type": "lifespan"}) == [message]


@pytest.mark.parametrize("error", [RuntimeError("app"), asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("sent", [(), RESPONSE[:1]], ids=["before the response", "within it"])
def test_the_apps_own_exception_comes_out_unchanged_and_is_counted(error, sent) -> None:
    async def app(scope, receive, send) -> None:
        for message in sent:
            await send(message)
        raise error

    async def call():
        server = Server()
        try:
            await CaptureMiddleware(app)(scope_of(), server.receive, server.send)
        except BaseException as caught:
            return caught, server.sent

    with captured() as seen:
        assert asyncio.run(call()) == (error, list(sent))
    assert seen.skipped == {"aborted": 1}
    assert not seen.exchanges


@pytest.mark.parametrize("step", ["__init__", "add_request_chunk", "begin_response", "add_response_chunk", "finish"])
def test_an_error_of_the_hook_reaches_the_log_and_nobody_else(step, monkeypatch, caplog) -> None:
    def broken(*_, **__) -> None:
        raise ZeroDivisionError("in the hook")

    monkeypatch.setattr(Recording, step, broken)
    app = CaptureMiddleware(answering(*RESPONSE), app_name=f"broken-{step}")
    with captured(), caplog.at_level(logging.ERROR, "darklaunch"):
        assert get(app) == list(RESPONSE)
        assert get(app) == list(RESPONSE)
    errors = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert errors == [ZeroDivisionError]  # once a minute at most


def test_the_server_gets_each_message_before_the_hook_looks_at_it(monkeypatch) -> None:
    order = []
    add_chunk = Recording.add_response_chunk

    def add_chunk_and_note(*args: Any) -> None:
        order.append("hook")
        add_chunk(*args)

    monkeypatch.setattr(Recording, "add_response_chunk", add_chunk_and_note)

    class Watched(Server):
        async def send(self, message) -> None:
            order.append("server")
            await super().send(message)

    with captured():
        Watched().run(CaptureMiddleware(answering(start(), body(b"a", more=True), body(b"b"))), scope_of())
    assert order == ["server", "server", "hook", "server", "hook"]


def test_an_error_of_the_server_comes_out_unchanged_and_nothing_is_kept() -> None:
    class Gone(Server):
        async def send(self, message) -> None:
            raise OSError("gone")

    with captured() as seen, pytest.raises(OSError, match="gone"):
        Gone().run(CaptureMiddleware(answering(*RESPONSE)), scope_of())
    assert seen.skipped == {"aborted": 1}


def test_headers_are_kept_as_they_were_at_the_hook_even_when_changed_further_out_later() -> None:
    message = start(200, (b"content-type", b"text/plain"))

    async def app(scope, receive, send) -> None:
        await send(message)
        message["headers"].append((b"content-encoding", b"gzip"))  # what GZipMiddleware does, one message later
        await send(body(b"plain"))

    with captured() as seen:
        get(CaptureMiddleware(app))
    assert seen.exchanges[0].primary.headers == (("content-type", "text/plain"),)


def test_a_client_that_leaves_before_the_end_is_skipped() -> None:
    async def app(scope, receive, send) -> None:
        await send(start())
        assert (await receive())["type"] == "http.disconnect"
        await send(body(b"to nobody"))

    with captured() as seen:
        Server([{"type": "http.disconnect"}]).run(CaptureMiddleware(app), scope_of())
    assert seen.skipped == {"aborted": 1}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_a_client_that_leaves_with_the_whole_response_is_captured(method, status) -> None:
    """Quart ends the handler then, before its last message."""

    async def app(scope, receive, send) -> None:
        await send(start(status))
        assert (await receive())["type"] == "http.disconnect"

    with captured() as seen:
        Server([{"type": "http.disconnect"}]).run(CaptureMiddleware(app), scope_of(method=method))
    assert [each.primary.status for each in seen.exchanges] == [status]
    assert seen.exchanges[0].primary.latency_ms > 0


def test_a_request_whose_body_the_app_did_not_read_is_skipped() -> None:
    scope = scope_of("/", "POST", [(b"content-length", b"5")])
    with captured(allow=("POST /",)) as seen:
        Server().run(CaptureMiddleware(answering(*RESPONSE, read=False)), scope)
    assert seen.skipped == {"unread_body": 1}


def test_work_after_the_response_is_not_part_of_it() -> None:
    async def app(scope, receive, send) -> None:
        await answering(*RESPONSE)(scope, receive, send)
        raise RuntimeError("in a background task")

    with captured() as seen, pytest.raises(RuntimeError):
        get(CaptureMiddleware(app))
    assert len(seen.exchanges) == 1


def test_a_hook_within_a_hook_captures_once() -> None:
    with captured() as seen:
        get(CaptureMiddleware(CaptureMiddleware(answering(*RESPONSE), app_name="inner"), app_name="outer"))
    assert len(seen.exchanges) == 1


def test_hearing_that_the_client_left_while_the_last_chunk_is_sent_is_not_an_abort() -> None:
    """Some servers end the request before `send` returns; a listening task then hears of it first."""

    class Eager(Server):
        over = asyncio.Event()

        async def send(self, message) -> None:
            await super().send(message)
            if message.get("more_body") is False:
                self.over.set()
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        async def receive(self):
            await self.over.wait()
            return {"type": "http.disconnect"}

    async def app(scope, receive, send) -> None:
        listening = asyncio.ensure_future(receive())
        for message in RESPONSE:
            await send(dict(message))
        assert (await listening)["type"] == "http.disconnect"

    server = Eager()
    with captured() as seen:
        server.run(CaptureMiddleware(app), scope_of())
    assert seen.exchanges[0].primary.body == b"hello"


def run_lifespan(app) -> None:
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    Server(incoming).run(app, {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}})


class PassOn:
    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        await self.app(scope, receive, send)


@pytest.mark.parametrize(("added_after", "status"), [((), 500), ((PassOn,), None)], ids=["outermost", "inside another"])
def test_an_unhandled_exception_behind_add_middleware(added_after, status) -> None:
    """The 500 is captured where the hook was added last; where it was not, it stays in its place."""
    app = FastAPI()
    app.add_middleware(CaptureMiddleware)
    for middleware in added_after:
        app.add_middleware(middleware)

    @app.get("/fails")
    def fail():
        raise RuntimeError("planted")

    @app.get("/works")
    def work():
        return "fine"

    with captured() as seen:
        run_lifespan(app)
        with pytest.raises(RuntimeError, match="planted"):
            get(app, "/fails")
        assert get(app, "/works")[1]["body"] == b'"fine"'
    assert [(exchange.endpoint, exchange.primary.status) for exchange in seen.exchanges] == [
        *([("GET /fails", status)] if status else []),
        ("GET /works", 200),
    ]
    assert seen.skipped == ({} if status else {"aborted": 1})


def test_a_hook_that_moved_samples_no_request_twice() -> None:
    app = FastAPI()
    app.add_middleware(CaptureMiddleware)

    @app.get("/works")
    def work():
        return "fine"

    with captured(percent=50) as seen:
        run_lifespan(app)
        for _ in range(400):
            get(app, "/works")
    assert 150 < len(seen.exchanges) < 250


def test_header_fields_from_an_iterator_are_read_once() -> None:
    async def app(scope, receive, send) -> None:
        assert dict(scope["headers"])[b"host"] == b"shop.example"
        await send({"type": "http.response.start", "status": 200, "headers": iter([(b"x-once", b"1")])})
        await send(body(b"x"))

    with captured() as seen:
        sent = Server().run(CaptureMiddleware(app), {**scope_of("/"), "headers": iter([(b"host", b"shop.example")])})
    assert sent[0]["headers"] == [(b"x-once", b"1")]
    assert seen.exchanges[0].primary.headers == (("x-once", "1"),)

"""What the hook does to an ASGI request: nothing; and what it keeps of it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.capture.recording import Recording
from darklaunch.testing import captured
from hypothesis import given
from hypothesis import strategies as st

from tests.support.asgi import Server, answering, body, get, scope_of, start

CHUNKS = st.lists(st.binary(max_size=40), min_size=1, max_size=6)
ANSWER = (start(200, (b"content-type", b"text/plain")), body(b"hello"))


@given(sent=CHUNKS, received=CHUNKS, status=st.sampled_from([200, 201, 302, 404, 500, 503]))
def test_messages_are_the_same_with_and_without_the_hook_and_the_whole_exchange_is_kept(sent, received, status):
    answer = [start(status, (b"X-Two", b"1"), (b"x-two", b"2"))]
    answer += [body(chunk, more=at < len(sent) - 1) for at, chunk in enumerate(sent)]
    incoming = [
        {"type": "http.request", "body": chunk, "more_body": at < len(received) - 1}
        for at, chunk in enumerate(received)
    ]
    scope = scope_of("/quote?q=%20", "POST", [(b"transfer-encoding", b"chunked")])
    bare = Server(incoming).run(answering(*answer), dict(scope))
    with captured(allow=("POST /quote",)) as seen:
        hooked = Server(incoming).run(CaptureMiddleware(answering(*answer)), dict(scope))
    assert hooked == bare
    (exchange,) = seen.exchanges
    assert exchange.request.body == b"".join(received)
    assert exchange.request.target == "/quote?q=%20"
    assert exchange.primary.body == b"".join(sent)
    assert exchange.primary.status == status
    assert exchange.primary.headers == (("x-two", "1"), ("x-two", "2"))
    assert exchange.request.origin == "http://shop.example"


def test_what_is_not_sampled_gets_the_servers_own_callables():
    given = []

    async def app(scope, receive, send):
        given.append((scope, receive, send))

    server, scope = Server(), scope_of()
    with captured(percent=0):
        asyncio.run(CaptureMiddleware(app)(scope, receive := server.receive, send := server.send))
    assert given == [(scope, receive, send)]


@pytest.mark.parametrize("kind", ["websocket", "something.new"])
def test_other_protocols_pass_untouched(kind):
    given = []

    async def app(scope, receive, send):
        given.append((scope, receive, send))

    server, scope = Server(), {"type": kind}
    with captured() as seen:
        asyncio.run(CaptureMiddleware(app)(scope, receive := server.receive, send := server.send))
    assert given == [(scope, receive, send)]
    assert scope == {"type": kind}
    assert not seen.exchanges and not seen.skipped


@pytest.mark.parametrize("kind", ["lifespan.startup.complete", "lifespan.shutdown.failed", "odd"])
def test_lifespan_messages_pass_unchanged(kind):
    message = {"type": kind, "message": "x"}
    assert Server().run(CaptureMiddleware(answering(message, read=False)), {"type": "lifespan"}) == [message]


@pytest.mark.parametrize("error", [RuntimeError("app"), asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("sent", [(), ANSWER[:1]], ids=["before the response", "within it"])
def test_the_apps_own_exception_comes_out_unchanged_and_is_counted(error, sent):
    async def app(scope, receive, send):
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
def test_an_error_of_the_hook_reaches_the_log_and_nobody_else(step, monkeypatch, caplog):
    def broken(*_, **__):
        raise ZeroDivisionError("in the hook")

    monkeypatch.setattr(Recording, step, broken)
    app = CaptureMiddleware(answering(*ANSWER), app_name=f"broken-{step}")
    with captured(), caplog.at_level(logging.ERROR, "darklaunch"):
        assert get(app) == list(ANSWER)
        assert get(app) == list(ANSWER)
    errors = [record.exc_info[0] for record in caplog.records if record.exc_info]
    assert errors == [ZeroDivisionError]  # once a minute at most


def test_the_server_gets_each_message_before_the_hook_looks_at_it(monkeypatch):
    order = []
    add_chunk = Recording.add_response_chunk
    monkeypatch.setattr(Recording, "add_response_chunk", lambda *args: (order.append("hook"), add_chunk(*args)))

    class Watched(Server):
        async def send(self, message):
            order.append("server")
            await super().send(message)

    with captured():
        Watched().run(CaptureMiddleware(answering(start(), body(b"a", more=True), body(b"b"))), scope_of())
    assert order == ["server", "server", "hook", "server", "hook"]


def test_an_error_of_the_server_comes_out_unchanged_and_nothing_is_kept():
    class Gone(Server):
        async def send(self, message):
            raise OSError("gone")

    with captured() as seen, pytest.raises(OSError, match="gone"):
        Gone().run(CaptureMiddleware(answering(*ANSWER)), scope_of())
    assert seen.skipped == {"aborted": 1}


def test_headers_are_kept_as_they_were_at_the_hook_even_when_changed_further_out_later():
    message = start(200, (b"content-type", b"text/plain"))

    async def app(scope, receive, send):
        await send(message)
        message["headers"].append((b"content-encoding", b"gzip"))  # what GZipMiddleware does, one message later
        await send(body(b"plain"))

    with captured() as seen:
        get(CaptureMiddleware(app))
    assert seen.exchanges[0].primary.headers == (("content-type", "text/plain"),)


def test_a_buffer_that_the_app_uses_again_is_kept_as_it_was():
    buffer = bytearray(b"one")

    async def app(scope, receive, send):
        await send(start())
        await send({"type": "http.response.body", "body": memoryview(buffer), "more_body": True})
        buffer[:] = b"two"
        await send({"type": "http.response.body", "body": buffer})
        buffer[:] = b"???"

    with captured() as seen:
        get(CaptureMiddleware(app))
    assert seen.exchanges[0].primary.body == b"onetwo"


def test_bodies_up_to_the_cap_are_kept_and_larger_ones_counted_while_the_user_gets_all():
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


def test_a_large_request_body_is_counted_and_the_app_reads_all_of_it():
    read = []

    async def app(scope, receive, send):
        read.append((await receive())["body"])
        await send(start())
        await send(body(b"ok"))

    incoming = [{"type": "http.request", "body": bytes(1001)}]
    scope = scope_of("/", "POST", [(b"content-length", b"1001")])
    with captured(allow=("POST /",)) as seen:
        Server(incoming).run(CaptureMiddleware(app, body_cap_bytes=1000), scope)
    assert read == [bytes(1001)]
    assert seen.dropped == {"too_large": 1}


@pytest.mark.parametrize(
    ("headers", "answer", "reason"),
    [
        ([(b"if-none-match", b'"a"')], ANSWER, "conditional"),
        ([(b"range", b"bytes=0-1")], ANSWER, "conditional"),
        ([(b"upgrade", b"h2c")], ANSWER, "streaming"),
        ([(b"content-type", b"application/grpc+proto")], ANSWER, "streaming"),
        ([], (start(200, (b"Content-Type", b"text/event-stream; charset=utf-8")), body(b"x")), "streaming"),
        ([], (start(200, (b"content-type", b"multipart/x-mixed-replace")), body(b"x")), "streaming"),
        ([], (start(200, (b"content-type", b"Video/mp4")), body(b"x")), "content_type"),
        ([], (start(200, trailers=True), body(b"x")), "unsupported"),
        ([], (start(), {"type": "http.response.pathsend", "path": "/etc/hostname"}), "unsupported"),
        ([], (start(), {"type": "http.response.zerocopysend", "file": 3}), "unsupported"),
        ([], (start(), body(b"never ends", more=True)), "aborted"),
        ([], (), "aborted"),
        ([(b"x-darklaunch-exchange", b"a:1")], ANSWER, "loop"),
    ],
)
def test_what_cannot_be_compared_is_skipped_by_name(headers, answer, reason):
    with captured() as seen:
        get(CaptureMiddleware(answering(*answer)), headers=headers)
    assert seen.skipped == {reason: 1}
    assert not seen.exchanges and not seen.dropped


def test_a_client_that_leaves_before_the_end_is_skipped():
    async def app(scope, receive, send):
        await send(start())
        assert (await receive())["type"] == "http.disconnect"
        await send(body(b"to nobody"))

    with captured() as seen:
        Server([{"type": "http.disconnect"}]).run(CaptureMiddleware(app), scope_of())
    assert seen.skipped == {"aborted": 1}


def test_a_request_whose_body_the_app_did_not_read_is_skipped():
    scope = scope_of("/", "POST", [(b"content-length", b"5")])
    with captured(allow=("POST /",)) as seen:
        Server().run(CaptureMiddleware(answering(*ANSWER, read=False)), scope)
    assert seen.skipped == {"unread_body": 1}


def test_work_after_the_response_is_not_part_of_it():
    async def app(scope, receive, send):
        await answering(*ANSWER)(scope, receive, send)
        raise RuntimeError("in a background task")

    with captured() as seen, pytest.raises(RuntimeError):
        get(CaptureMiddleware(app))
    assert len(seen.exchanges) == 1


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_bodies_that_servers_do_not_send_are_not_kept(method, status):
    with captured() as seen:
        get(CaptureMiddleware(answering(start(status), body(b"text"))), method=method)
    assert seen.exchanges[0].primary.body == b""


def test_a_hook_within_a_hook_captures_once():
    with captured() as seen:
        get(CaptureMiddleware(CaptureMiddleware(answering(*ANSWER), app_name="inner"), app_name="outer"))
    assert len(seen.exchanges) == 1


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
def test_the_target_is_kept_byte_for_byte(scope, target):
    with captured() as seen:
        Server().run(CaptureMiddleware(answering(*ANSWER)), {**scope_of(), **scope})
    assert [exchange.request.target for exchange in seen.exchanges] == [target]


def test_a_target_that_cannot_be_repeated_is_skipped():
    with captured() as seen:
        Server().run(CaptureMiddleware(answering(*ANSWER)), {**scope_of(method="OPTIONS"), "raw_path": b"*"})
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
def test_the_origin_is_what_the_client_asked_or_else_the_servers_own_name(headers, server, origin):
    scope = {**scope_of(), "headers": headers, "server": server, "scheme": "https"}
    with captured() as seen:
        Server().run(CaptureMiddleware(answering(*ANSWER)), scope)
    assert seen.exchanges[0].request.origin == origin


def test_memory_is_bounded_over_all_requests_under_way(monkeypatch):
    """A hundred slow responses at once hold no more than the outbox may; the rest is counted, and memory comes back."""
    buffers = []

    async def slow(scope, receive, send):
        await send(start())
        await send(body(bytes(100_000), more=True))
        await release.wait()
        await send(body(b""))

    async def crowd():
        nonlocal release
        release = asyncio.Event()
        calls = [asyncio.ensure_future(app(scope_of(), Server().receive, Server().send)) for _ in range(300)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        buffers.append(app._recorder.buffer)
        assert buffers[0].used_bytes <= 16 * 1_048_576
        release.set()
        await asyncio.gather(*calls)

    release = asyncio.Event()
    app = CaptureMiddleware(slow)
    with captured() as seen:
        asyncio.run(crowd())
        assert len(seen.exchanges) + seen.dropped["outbox_full"] == 300
        assert 100 < len(seen.exchanges) < 200
    assert buffers[0].used_bytes == 0


def test_hearing_that_the_client_left_while_the_last_chunk_is_sent_is_not_an_abort():
    """Some servers end the request before `send` returns; a listening task then hears of it first."""

    class Eager(Server):
        async def send(self, message):
            await super().send(message)
            if message.get("more_body") is False:
                self.over.set()
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        async def receive(self):
            await self.over.wait()
            return {"type": "http.disconnect"}

    async def app(scope, receive, send):
        listening = asyncio.ensure_future(receive())
        for message in ANSWER:
            await send(dict(message))
        assert (await listening)["type"] == "http.disconnect"

    server = Eager()
    server.over = asyncio.Event()
    with captured() as seen:
        server.run(CaptureMiddleware(app), scope_of())
    assert seen.exchanges[0].primary.body == b"hello"


def test_what_a_framework_left_that_we_do_not_know_costs_only_the_routes_name():
    async def app(scope, receive, send):
        scope.update(router=object(), path_params=7, fastapi="mine", root_path="/x", route=object())
        await answering(*ANSWER)(scope, receive, send)

    with captured() as seen:
        get(CaptureMiddleware(app), "/orders/7")
    assert seen.exchanges[0].endpoint == "GET /orders/{id}"

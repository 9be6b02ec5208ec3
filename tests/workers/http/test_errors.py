"""Whatever a shadow does, sending ends within the deadline, in a response or in a classified failure."""

import asyncio
import socket

import pytest
from darklaunch_shared.wire.replay import ShadowErrorClass
from darklaunch_workers.http import ClientKind, ResponseCaps, ShadowFailure

from tests.support.hostile_shadow import OK, Act, calling, client_of, hostile, request, reset

pytestmark = pytest.mark.anyio

SMALL = ResponseCaps(body_cap_bytes=10_000, header_cap_bytes=4_000, header_cap_count=20, informational_cap=32)
HEAD = b"HTTP/1.1 200 OK\r\n"


async def failure(kind: ClientKind, answer: bytes | Act, *, deadline_s: float = 5.0) -> ShadowFailure:
    async with calling(kind, answer, caps=SMALL) as (client, _):
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=deadline_s)
        assert caught.value.sent
        assert "\n" not in caught.value.detail and len(caught.value.detail) <= 200
        assert caught.value.waited_ms >= 0
        return caught.value


async def repeat(writer: asyncio.StreamWriter, data: bytes, times: int) -> None:
    for _ in range(times):
        writer.write(data)
        await writer.drain()


async def test_connection_refused(kind: ClientKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with client_of(kind, port) as client:
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
    assert caught.value.error is ShadowErrorClass.REFUSED
    assert not caught.value.sent
    assert f"127.0.0.1:{port}" in caught.value.detail


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".test"])
async def test_names_that_do_not_resolve(kind: ClientKind, host: str) -> None:
    async with client_of(kind, 80, host=host) as client:
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=10)
    assert caught.value.error is ShadowErrorClass.DNS
    assert not caught.value.sent


async def test_silence_ends_at_the_deadline(kind: ClientKind) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    failed = await failure(kind, silence, deadline_s=0.2)
    assert failed.error is ShadowErrorClass.TIMEOUT
    assert 190 <= failed.waited_ms < 30_000


async def test_a_backlog_that_accepts_nobody_ends_at_the_deadline(kind: ClientKind) -> None:
    """The kernel completes the handshake; no process ever reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as black_hole:
        async with client_of(kind, black_hole.getsockname()[1]) as client:
            with pytest.raises(ShadowFailure) as caught:
                await client.send(request(), deadline_s=0.2)
    assert caught.value.error is ShadowErrorClass.TIMEOUT


@pytest.mark.parametrize("start", [b"", HEAD, HEAD + b"content-length: 900\r\n\r\n"])
async def test_dripping_ends_at_the_deadline(kind: ClientKind, start: bytes) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start or b"H")
        while not writer.is_closing():
            await asyncio.sleep(0.02)
            writer.write(b"T" if not start else b"x")

    failed = await failure(kind, drip, deadline_s=0.3)  # the drip itself never ends
    assert failed.error in {ShadowErrorClass.TIMEOUT, ShadowErrorClass.PROTOCOL}
    if start:
        assert failed.error is ShadowErrorClass.TIMEOUT


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 2", HEAD + b"x: y\r\n", HEAD + b"content-length: 9\r\n\r\nshort"])
@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_connections_that_break_off(kind: ClientKind, start: bytes, how: str) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await writer.drain()
        await asyncio.sleep(0.02)
        if how == "reset":
            reset(writer)

    assert (await failure(kind, break_off)).error is ShadowErrorClass.RESET


@pytest.mark.parametrize("how", ["closed", "reset"])
async def test_a_connection_that_is_closed_as_soon_as_it_is_accepted(kind: ClientKind, how: str) -> None:
    async def turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if how == "reset":
            reset(writer)

    async with hostile(turn_away, reads=False) as shadow, client_of(kind, shadow.port, slots=4) as client:
        for _ in range(20):
            sent = await asyncio.gather(
                *(client.send(request(), deadline_s=5) for _ in range(4)), return_exceptions=True
            )
            assert {getattr(failed, "error", None) for failed in sent} == {ShadowErrorClass.RESET}


async def test_chunks_that_break_off(kind: ClientKind) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")

    assert (await failure(kind, break_off)).error is ShadowErrorClass.RESET


GARBAGE = {
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": bytes(3000),
    "html": b"<html>oops</html>\r\n\r\n",
    "http/2 settings": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "version": b"HTTP/9x9 200 OK\r\n\r\n",
    "status": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "no colon": HEAD + b"nonsense\r\n\r\n",
    "space in name": HEAD + b"a b: c\r\n\r\n",
    "bad length": HEAD + b"content-length: ten\r\n\r\n",
    "negative length": HEAD + b"content-length: -1\r\n\r\n",
    "two lengths": HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "bad chunk": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    "switching unasked": b"HTTP/1.1 101 Switching\r\n\r\n",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
async def test_what_is_not_http_is_a_protocol_error(kind: ClientKind, garbage: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        await asyncio.sleep(60)

    assert (await failure(kind, speak, deadline_s=2)).error is ShadowErrorClass.PROTOCOL


@pytest.mark.parametrize("times", [33, 1_000, 20_000])
async def test_informational_responses_are_bounded(kind: ClientKind, times: int) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await repeat(
            writer, b"HTTP/1.1 103 Early Hints\r\n\r\n" * (times if times < 100 else 100), max(1, times // 100)
        )
        writer.write(OK)
        await asyncio.sleep(60)

    failed = await failure(kind, flood)
    assert failed.error is ShadowErrorClass.PROTOCOL
    assert "32 informational" in failed.detail


TOO_LARGE = {
    "declared length": ("body", HEAD + b"content-length: 10001\r\n\r\n", b""),
    "endless body": ("body", HEAD + b"\r\n", b"x" * 1000),
    "endless chunks": ("body", HEAD + b"transfer-encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
    "one byte too many": (
        "body",
        HEAD + b"transfer-encoding: chunked\r\n\r\n2711\r\n" + b"x" * 10_001 + b"\r\n0\r\n\r\n",
        b"",
    ),
    "one header": ("header section", HEAD + b"x: ", b"y" * 1000),
    "header bytes": ("header section", HEAD, b"".join(b"x%d: %b\r\n" % (i, b"y" * 990) for i in range(5)) + b"\r\n"),
    "header count": ("number of header fields", HEAD + b"x: y\r\n" * 21 + b"content-length: 0\r\n\r\n", b""),
    "reason": ("header section", b"HTTP/1.1 200 ", b"o" * 1000),
    "informational headers": ("header section", b"", b"HTTP/1.1 103 E\r\nlink: %b\r\n\r\n" % (b"l" * 900)),
}


@pytest.mark.parametrize(("what", "start", "more"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
async def test_answers_over_a_cap_are_given_up_and_the_connection_closed(
    kind: ClientKind, what: str, start: bytes, more: bytes
) -> None:
    closed = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        try:
            await repeat(writer, more, 300)
            await reader.read()
        except ConnectionError:
            pass
        closed.set()

    async with calling(kind, flood, caps=SMALL) as (client, _):
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
        assert caught.value.error is ShadowErrorClass.TOO_LARGE
        assert what in caught.value.detail
        await asyncio.wait_for(closed.wait(), 30)


@pytest.mark.parametrize("endless", [b"x: y\r\n", b"z" * 1000], ids=["trailers", "one trailer"])
async def test_trailers_without_end_are_given_up(kind: ClientKind, endless: bytes) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n" + (b"t: " if endless[:1] == b"z" else b""))
        while not writer.is_closing():
            await repeat(writer, endless * 10, 10)

    failed = await failure(kind, flood)
    assert failed.error in {ShadowErrorClass.TOO_LARGE, ShadowErrorClass.PROTOCOL}


async def test_a_body_of_exactly_the_cap_is_an_answer(kind: ClientKind) -> None:
    body = b"x" * SMALL.body_cap_bytes
    for head in (
        b"content-length: 10000\r\n\r\n" + body,
        b"transfer-encoding: chunked\r\n\r\n2710\r\n" + body + b"\r\n0\r\n\r\n",
    ):
        async with calling(kind, HEAD + head, caps=SMALL) as (client, _):
            assert (await client.send(request(), deadline_s=5)).response.body == body


@pytest.mark.parametrize(
    "greeting", [b"", bytes(100), b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28"]
)
async def test_tls_with_a_server_that_speaks_none(kind: ClientKind, greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()

    async with hostile(greet, reads=False) as shadow, client_of(kind, shadow.port, scheme="https") as client:
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
    assert caught.value.error is ShadowErrorClass.TLS
    assert not caught.value.sent


async def test_a_tls_handshake_that_hangs_ends_at_the_deadline_unsent(kind: ClientKind) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with hostile(silence, reads=False) as shadow, client_of(kind, shadow.port, scheme="https") as client:
        for _ in range(2):
            with pytest.raises(ShadowFailure) as caught:
                await client.send(request(), deadline_s=0.2)
            assert caught.value.error is ShadowErrorClass.TIMEOUT
            assert not caught.value.sent


async def test_protocols_are_not_switched_even_when_the_request_asks(kind: ClientKind) -> None:
    switching = b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n" + OK
    async with calling(kind, switching) as (client, _):
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(b"/", (b"connection", b"upgrade"), (b"upgrade", b"h2c")), deadline_s=2)
        assert caught.value.error is ShadowErrorClass.PROTOCOL


async def test_a_reset_is_not_the_end_of_a_body_without_length(kind: ClientKind) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\nhalf of")
        await writer.drain()
        await asyncio.sleep(0.02)
        reset(writer)

    assert (await failure(kind, break_off)).error is ShadowErrorClass.RESET


async def test_a_failure_does_not_reach_the_next_request(kind: ClientKind) -> None:
    answers = iter([b"garbage\r\n\r\n", HEAD + b"content-length: 99999\r\n\r\n", OK])

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))
        await asyncio.sleep(0.05)

    async with calling(kind, act, caps=SMALL) as (client, _):
        for expected in (ShadowErrorClass.PROTOCOL, ShadowErrorClass.TOO_LARGE):
            with pytest.raises(ShadowFailure) as caught:
                await client.send(request(), deadline_s=5)
            assert caught.value.error is expected
        assert (await client.send(request(), deadline_s=5)).response.body == b"ok"

"""Connections are kept, counted, and given up at the right moment; one closed while idle is not a failure."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from darklaunch_shared.wire.replay import ShadowErrorClass
from darklaunch_workers.http import ClientKind, ShadowFailure, connect, pool

from tests.support.hostile_shadow import OK, Act, calling, client_of, hostile, request, reset

pytestmark = pytest.mark.anyio


LINGER_NOT = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # closing sends a reset
Turn = Callable[[asyncio.StreamWriter], Awaitable[bool]]


def take_turns(*turns: Turn) -> Act:
    """Return an act that takes the next turn for each request, from connection to connection."""
    remaining = list(turns)

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while remaining:
            keep = await remaining.pop(0)(writer)
            if not keep:
                return
            if remaining:
                await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(60)

    return act


async def ok(writer: asyncio.StreamWriter) -> bool:
    writer.write(OK)
    return True


async def goodbye(writer: asyncio.StreamWriter) -> bool:
    return False


async def broken(writer: asyncio.StreamWriter) -> bool:
    reset(writer)
    return False


async def half(writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200")
    await writer.drain()
    return False


async def test_a_connection_is_used_again(kind: ClientKind) -> None:
    async with calling(kind, OK) as (client, shadow):
        for _ in range(5):
            await client.send(request(), deadline_s=5)
        assert (shadow.connections, len(shadow.heads)) == (1, 5)
        assert client.replaced_connections == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("end", [goodbye, broken])
async def test_a_request_that_a_kept_connection_took_is_never_sent_again(
    kind: ClientKind, method: str, end: Turn
) -> None:
    async with calling(kind, take_turns(ok, end, ok)) as (client, shadow):
        await client.send(request(), deadline_s=5)
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(method=method), deadline_s=5)
        assert caught.value.error is ShadowErrorClass.RESET
        assert caught.value.sent
        assert shadow.connections == 1
        assert client.replaced_connections == 0


@pytest.mark.parametrize("end", [goodbye, broken])
async def test_a_kept_connection_that_was_closed_before_the_request_is_replaced(kind: ClientKind, end: Turn) -> None:
    """The end is in the kernel, and the event loop has had no turn to hand it over."""
    closed = threading.Event()
    taken: list[bytes] = []

    def converse(listener: socket.socket) -> None:
        for turn in range(2):
            connection, _ = listener.accept()
            with connection:
                taken.append(connection.recv(65_536))
                connection.sendall(OK)
                if turn == 0:
                    may_close.wait(30)
                    if end is broken:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
                else:
                    connection.recv(1)
            closed.set()

    may_close = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=converse, args=(listener,))
        server.start()
        async with client_of(kind, listener.getsockname()[1]) as client:
            await client.send(request(), deadline_s=5)
            may_close.set()
            closed.wait(30)  # blocks the loop: it cannot know yet
            reply = await client.send(request(method="POST"), deadline_s=5)
            assert reply.response.body == b"ok"
            assert client.replaced_connections == 1
        await asyncio.to_thread(server.join, 30)
    assert [head.split(b" ")[0] for head in taken] == [b"GET", b"POST"]


async def test_nor_is_one_whose_answer_began(kind: ClientKind) -> None:
    async with calling(kind, take_turns(ok, half, ok)) as (client, shadow):
        await client.send(request(), deadline_s=5)
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
        assert caught.value.error is ShadowErrorClass.RESET
        assert shadow.connections == 1


async def test_a_connection_closed_while_idle_is_noticed(kind: ClientKind) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with calling(kind, once) as (client, shadow):
        for _ in range(3):
            await client.send(request(), deadline_s=5)
            await asyncio.sleep(0.05)
        assert shadow.connections == 3


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.0 200 OK\r\nx: keep-alive\r\n"],
)
async def test_a_shadow_that_will_close_is_not_asked_again(kind: ClientKind, head: bytes) -> None:
    async with calling(kind, head + b"content-length: 2\r\n\r\nok") as (client, shadow):
        for _ in range(2):
            await client.send(request(), deadline_s=5)
        assert shadow.connections == 2


POISON = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"


async def test_a_connection_that_brought_a_server_error_is_not_used_again(kind: ClientKind) -> None:
    """Servers close it after an unhandled error without saying so; the next request would meet the reset."""
    failed = OK.replace(b"200 OK", b"500 Internal Server Error", 1)
    async with calling(kind, failed) as (client, shadow):
        for _ in range(3):
            reply = await client.send(request(), deadline_s=5)
            assert reply.response.status == 500
        assert (shadow.connections, len(shadow.heads)) == (3, 3)


@pytest.mark.parametrize("late", [False, True], ids=["at once", "while idle"])
@pytest.mark.parametrize(
    "answer",
    [OK, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 204 -\r\n\r\n"],
    ids=["length", "chunks", "no body"],
)
@pytest.mark.parametrize("extra", [POISON, b"x"], ids=["answer", "byte"])
async def test_bytes_after_an_answer_are_never_the_next_answer(
    kind: ClientKind, answer: bytes, extra: bytes, late: bool
) -> None:
    answered = asyncio.Event()
    added = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer if late else answer + extra)
        await answered.wait()
        writer.write(extra if late else b"")
        added.set()
        await asyncio.sleep(60)

    async with calling(kind, act) as (client, shadow):
        for _ in range(2):
            answered.clear()
            added.clear()
            reply = await client.send(request(), deadline_s=5)
            assert reply.response.body == (b"" if b"204" in answer else b"ok")
            answered.set()
            await added.wait()
            await asyncio.sleep(0.02)  # what is in the kernel by now, the loop hands out before it returns here
        assert shadow.connections == 2


async def test_a_connection_idle_for_long_is_not_used(kind: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "IDLE_S", -1.0)
    async with calling(kind, OK) as (client, shadow):
        for _ in range(2):
            await client.send(request(), deadline_s=5)
        assert shadow.connections == 2


async def test_no_more_connections_than_slots_and_latency_without_the_wait(kind: ClientKind) -> None:
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(0.02)
            writer.write(OK)
            await reader.readuntil(b"\r\n\r\n")

    async with calling(kind, slowly, slots=1) as (client, shadow):
        began = time.perf_counter()
        replies = await asyncio.gather(*(client.send(request(), deadline_s=5) for _ in range(8)))
        elapsed_ms = (time.perf_counter() - began) * 1000
        assert shadow.connections == 1
        assert sum(reply.response.latency_ms for reply in replies) <= elapsed_ms
        assert all(reply.response.latency_ms >= 19 for reply in replies)


async def test_many_at_once(kind: ClientKind) -> None:
    async with calling(kind, OK, slots=7) as (client, shadow):
        replies = await asyncio.gather(*(client.send(request(b"/%d" % i), deadline_s=10) for i in range(200)))
        assert all(reply.response.body == b"ok" for reply in replies)
        assert 1 <= shadow.connections <= 7
        assert len({head.split()[1] for head in shadow.heads}) == 200


async def test_latency_ends_with_the_last_byte(kind: ClientKind) -> None:
    async def in_two(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"k")
        await asyncio.sleep(60)

    async with calling(kind, in_two) as (client, _):
        assert (await client.send(request(), deadline_s=5)).response.latency_ms >= 95


async def test_the_deadline_covers_the_wait_for_a_slot(kind: ClientKind) -> None:
    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with calling(kind, silence) as (client, shadow):
        first = asyncio.create_task(client.send(request(), deadline_s=0.4))
        await shadow.asked.wait()
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=0.05)
        assert caught.value.error is ShadowErrorClass.TIMEOUT
        assert not caught.value.sent
        assert len(shadow.heads) == 1
        with pytest.raises(ShadowFailure) as caught:
            await first
        assert caught.value.sent


async def test_cancelling_frees_the_slot_and_the_connection(kind: ClientKind) -> None:
    async def first_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if shadow.connections == 1:
            await asyncio.sleep(60)
        writer.write(OK)
        await asyncio.sleep(60)

    async with calling(kind, first_silent) as (client, shadow):
        task = asyncio.create_task(client.send(request(), deadline_s=5))
        await shadow.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.send(request(), deadline_s=5)).response.body == b"ok"
        assert shadow.connections == 2


async def test_a_shadow_that_went_away_while_idle_was_not_sent_anything(kind: ClientKind) -> None:
    async def answer_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        assert shadow.server is not None
        shadow.server.close()

    async with calling(kind, answer_and_leave) as (client, shadow):
        await client.send(request(), deadline_s=5)
        await asyncio.sleep(0.05)
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
        assert caught.value.error is ShadowErrorClass.REFUSED
        assert not caught.value.sent


async def test_a_connection_lost_before_the_first_byte_was_not_sent_anything(
    kind: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = connect.Dialer.connect

    async def connect_and_dawdle(self: Any, protocol: Any) -> Any:
        connected = await original(self, protocol)
        await asyncio.sleep(0.05)
        return connected

    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pass

    monkeypatch.setattr(connect.Dialer, "connect", connect_and_dawdle)
    async with hostile(leave, reads=False) as shadow, client_of(kind, shadow.port) as client:
        with pytest.raises(ShadowFailure) as caught:
            await client.send(request(), deadline_s=5)
        assert caught.value.error is ShadowErrorClass.RESET
        assert not caught.value.sent


async def test_a_connection_that_is_used_up_is_closed_at_once(kind: ClientKind) -> None:
    ended = asyncio.Event()

    async def answer_with_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"more")
        await reader.read()
        ended.set()

    async with calling(kind, answer_with_more) as (client, _):
        await client.send(request(), deadline_s=5)
        await asyncio.wait_for(ended.wait(), 30)


async def test_a_connection_in_use_when_the_client_closes_is_closed_when_it_is_done(kind: ClientKind) -> None:
    asked, may_answer, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await may_answer.wait()
        writer.write(OK)
        await reader.read()
        ended.set()

    async with calling(kind, answer_late) as (client, _):
        sending = asyncio.create_task(client.send(request(), deadline_s=5))
        await asked.wait()
        await client.aclose()
        may_answer.set()
        assert (await sending).response.body == b"ok"
        await asyncio.wait_for(ended.wait(), 30)


async def test_closing_the_client_closes_its_connections(kind: ClientKind) -> None:
    ended = asyncio.Event()

    async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        assert await reader.read() == b""
        ended.set()

    async with calling(kind, until_the_end) as (client, _):
        await client.send(request(), deadline_s=5)
        await client.aclose()
        await asyncio.wait_for(ended.wait(), 30)

"""A shadow that sends exactly the bytes it is given, and records exactly the bytes it got."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

from darklaunch_shared.launch.origin import Origin
from darklaunch_workers.http import ClientKind, ResponseCaps, ShadowClient, ShadowRequest, make_client

from .loopback import conversing

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class RawShadow:
    port: int = 0
    server: asyncio.Server | None = None
    heads: list[bytes] = field(default_factory=list)  # request line and headers of each request, as they came
    bodies: list[bytes] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)  # a first request has arrived

    @property
    def head(self) -> bytes:
        return self.heads[-1]

    @property
    def request_line(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    @property
    def fields(self) -> list[bytes]:
        return self.head.split(b"\r\n")[1:-2]


@asynccontextmanager
async def hostile(
    answer: bytes | Act, *, reads: bool = True, ssl: SSLContext | None = None
) -> AsyncIterator[RawShadow]:
    """Serve on loopback: after each request send `answer`, or call it with the connection once and then close.

    With `reads` False it is called at once, the request still unread.
    """
    shadow = RawShadow()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shadow.connections += 1
        if not reads:
            assert callable(answer)
            await answer(reader, writer)
            return
        while head := await _read_head(reader):
            shadow.heads.append(head)
            shadow.asked.set()
            shadow.bodies.append(await reader.readexactly(_read_length(head)))
            if callable(answer):
                await answer(reader, writer)
                return
            writer.write(answer)

    async with conversing(serve, ssl=ssl) as (shadow.server, shadow.port):
        yield shadow


@asynccontextmanager
async def calling(
    kind: ClientKind, answer: bytes | Act, *, slots: int = 1, caps: ResponseCaps | None = None
) -> AsyncIterator[tuple[ShadowClient, RawShadow]]:
    """Serve `answer` and yield a client for it."""
    async with hostile(answer) as shadow, client_of(kind, shadow.port, slots=slots, caps=caps) as client:
        yield client, shadow


@asynccontextmanager
async def client_of(
    kind: ClientKind, port: int, *, host: str = "127.0.0.1", scheme: str = "http", slots: int = 1, **options: Any
) -> AsyncIterator[ShadowClient]:
    client = make_client(Origin(scheme, host, port), slots=slots, kind=kind, **options)
    try:
        yield client
    finally:
        await client.aclose()


def request(
    target: bytes = b"/", *headers: tuple[bytes, bytes], method: str = "GET", body: bytes = b""
) -> ShadowRequest:
    length = ((b"content-length", str(len(body)).encode()),) if body else ()
    return ShadowRequest(method, target, ((b"host", b"shadow.test"), *headers, *length), body)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the peer sees a reset, not an end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()


async def _read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _read_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0

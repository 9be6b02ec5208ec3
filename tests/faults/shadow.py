"""A shadow on a thread of its own, which counts what it is asked and answers as badly as it is told to."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

Act = Callable[["Asked", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""Answer one request; True keeps the connection."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its target, the exchange it replays, when it came."""

    target: str
    exchange: str
    at_s: float


def answer_for(target: str) -> bytes:
    """Return what the shadow answers: every fifth order differs from the primary's."""
    number = int(target.rpartition("/")[2])
    return json.dumps({"id": number, "ok": number % 5 != 0}).encode()


def http(status: int, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


JSON = "content-type: application/json"


async def fine(asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(http(200, answer_for(asked.target), JSON))
    return True


def saying(answer: bytes) -> Act:
    """Answer everything with the same bytes, then close."""

    async def act(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer)
        await writer.drain()
        return False

    return act


async def resets(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
    return False


async def hangs(_asked: Asked, _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> bool:
    await asyncio.sleep(3600)
    return False


async def drips(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)
    return False


async def never_ends(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def many_early_answers(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    for _ in range(200):
        writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 100)
        await writer.drain()
    return False


BOMB = gzip.compress(b"\0" * 200_000_000, 9)


class Shadow:
    """Listens on loopback. `act` and `delay_s` may be changed at any time; `asked` is every request so far."""

    def __init__(self) -> None:
        self.act: Act = fine
        self.delay_s = 0.0
        self.asked: list[Asked] = []
        self.most_at_once = self._at_once = 0
        self._connections: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self.port = 0
        self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
        self._thread.start()
        self.listen()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def again(self) -> int:
        """How many requests were for an exchange that it had been asked before."""
        return sum(times - 1 for times in Counter(asked.exchange for asked in self.asked).values())

    def listen(self) -> None:
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def refuse(self) -> None:
        """Stop listening and cut what is connected."""
        asyncio.run_coroutine_threadsafe(self._refuse(), self._loop).result(10)

    def close(self) -> None:
        self.refuse()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def between(self, since_s: float, until_s: float) -> int:
        return sum(since_s <= asked.at_s < until_s for asked in self.asked)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._connections):
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answer(reader, writer):
                pass
        self._connections.discard(writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        headers = dict(line.lower().split(": ", 1) for line in lines)
        asked = Asked(first.split(" ")[1], headers.get("x-darklaunch-exchange", ""), time.monotonic())
        self.asked.append(asked)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            return await self.act(asked, reader, writer)
        finally:
            self._at_once -= 1

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

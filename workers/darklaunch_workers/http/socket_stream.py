"""The network stream under httpcore: a connected socket that notes times and bounds what comes before the body."""

import asyncio
import contextlib
import re
import select
import socket
import time
from collections.abc import Callable
from typing import Any, Final, cast

import httpcore
from darklaunch_shared.wire.replay import ShadowErrorClass

from .errors import ConnectionFailure, make_broken_failure, make_cap_failure
from .framing import check_head
from .interface import ResponseCaps

_HIGH_WATER: Final = 262_144
_READABLE: Final = select.POLLIN | select.POLLHUP | select.POLLERR
_QUICK_ACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")


def has_input(transport: asyncio.BaseTransport) -> bool:
    """True if the kernel has bytes, or the end, of an open connection that the event loop has not handed over yet."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), _READABLE)
    return bool(poll.poll(0))


def acknowledge_now(transport: asyncio.BaseTransport) -> None:
    """Acknowledge what has arrived, instead of up to 40 ms later.

    A server with Nagle's algorithm, such as uvicorn or gunicorn's asyncio worker on a socket it was handed, writes the
    head and keeps the body back until the head is acknowledged. That time is not the shadow's.
    """
    if _QUICK_ACK is not None:
        with contextlib.suppress(OSError):  # the connection is gone, which is noticed elsewhere
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)


class ResponseHeadBound:
    """A bound on what comes before the final response's body, and a check that it is clear where that ends.

    h11 has no such bound, it reads 1xx responses without end, and it guesses.
    """

    def __init__(self, caps: ResponseCaps) -> None:
        self._caps = caps
        self._pending = bytearray()
        self._searched = 0
        self._bytes = 0
        self._informational = 0
        self._done = False

    def feed(self, data: bytes) -> None:
        """Check the next bytes of a response. Raises ConnectionFailure when it is not HTTP or a cap is reached."""
        if self._done:
            return
        self._pending += data
        while self._pending and not self._done:
            if not b"HTTP/".startswith(self._pending[:5]):
                raise ConnectionFailure(
                    ShadowErrorClass.PROTOCOL, f"the response is not HTTP: {bytes(self._pending[:40])!r}"
                )
            blank_line = _BLANK_LINE.search(self._pending, max(0, self._searched - 2))
            self._searched = len(self._pending)
            if self._bytes + (blank_line.end() if blank_line else self._searched) > self._caps.header_cap_bytes:
                raise make_cap_failure("header section", self._caps.header_cap_bytes)
            if blank_line is None:
                return
            self._end_section(blank_line.end())

    def _end_section(self, end: int) -> None:
        self._done = bytes(self._pending[8:10]) != b" 1"
        if self._done:
            check_head(bytes(self._pending[:end]))
        self._informational += 1
        if not self._done and self._informational > self._caps.informational_cap:
            cap = self._caps.informational_cap
            raise ConnectionFailure(ShadowErrorClass.PROTOCOL, f"more than {cap} informational responses")
        self._bytes += end
        self._searched = 0
        del self._pending[:end]


class SocketStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connected socket as httpcore wants it.

    `wrote_at` and `read_at` are the times of the first byte written and the last byte read, in seconds.
    """

    def __init__(self) -> None:
        self.wrote_at = 0.0
        self.read_at = 0.0
        self.read_bytes = 0
        self.ended = False
        self._lost: Exception | None = None
        self._transport: asyncio.Transport
        self._buffer = bytearray()
        self._paused = False
        self._watch: Callable[[bytes], None] | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def quiet(self) -> bool:
        """True if the connection is open and no byte waits to be read or written."""
        closed = self.ended or self._transport.is_closing()
        return not (closed or self._buffer or self._transport.get_write_buffer_size())

    @property
    def has_input(self) -> bool:
        """True if bytes, or the connection's end, have arrived that the event loop has not handed over yet."""
        return has_input(self._transport)

    def begin(self, watch: Callable[[bytes], None]) -> None:
        """Start a request; `watch` is called with all bytes that are read, and may raise."""
        self.wrote_at = self.read_at = 0.0
        self.read_bytes = 0
        self._watch = watch

    def end(self) -> None:
        """End a request: bytes that arrive from here on close the connection."""
        self._watch = None

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Return some bytes, or none at the end. The deadline is the pool's, so `timeout` has no use here."""
        if not self._buffer and not self.ended:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if not self._buffer and self._lost is not None:
            raise make_broken_failure(self._lost)
        data = bytes(self._buffer[:max_bytes])
        del self._buffer[:max_bytes]
        if self._paused and len(self._buffer) < _HIGH_WATER:
            self._paused = False
            self._transport.resume_reading()
        if self._watch is not None:
            self._watch(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write without waiting: a request is small and in memory already."""
        if not self.wrote_at:
            if self.ended:
                raise ConnectionFailure(
                    ShadowErrorClass.RESET, "the shadow closed the connection before the request was sent"
                )
            self.wrote_at = time.perf_counter()
        self._transport.write(buffer)

    async def aclose(self) -> None:
        """Close at once."""
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002
        """Return None: httpcore asks for TLS facts to choose HTTP/2, which there is none of here."""
        return None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        if self._watch is None:  # nothing was asked: these bytes must not become the next response
            self._transport.abort()
            return
        self.read_at = time.perf_counter()
        self.read_bytes += len(data)
        acknowledge_now(self._transport)
        self._buffer += data
        if len(self._buffer) >= _HIGH_WATER:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self.read_at = time.perf_counter()
        self.ended = True
        self._lost = exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

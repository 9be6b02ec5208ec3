"""Up to `slots` kept-alive connections to one shadow, and the life of one request on one of them."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ShadowErrorClass

from .connect_floor import ConnectFloor
from .deadlines import DeadlineTimer
from .errors import ConnectionFailure, ShadowFailure, UnsendableRequest, make_broken_failure
from .interface import ShadowConnection, ShadowReply, ShadowRequest
from .request import check_sendable

IDLE_S: Final = 1.5
"""How long an unused connection is kept. Below the keep-alive of common servers (gunicorn 2 s, uvicorn and Node 5 s),
so that ours end first: a request that crosses the server's end on its way is lost, and counts as the shadow's error."""

MAX_AGE_S: Final = 60.0
"""How long a connection is used, however busy: a new one follows a name to its new address, and measures the floor."""

DETAIL_LIMIT: Final = 200


@dataclass(slots=True)
class _KeptConnection:
    """A connection, since when it is open, and since when it is idle (seconds on a monotonic clock)."""

    connection: ShadowConnection
    opened_s: float
    idle_since_s: float = 0.0


@dataclass(slots=True)
class _RequestProgress:
    """The connection a request is on, if it has one; read when it fails."""

    connection: ShadowConnection | None = None


class PooledClient:
    """Sends requests over kept-alive connections, one request at a time on each, and each request once.

    A server may close a kept-alive connection at any time. That is no failure of the shadow as long as nothing was
    written, so each connection's socket is looked at right before it is used again: the end that the event loop has
    not handed over yet is in the kernel already. From the first byte written on, a connection that ends before its
    response is a failure, and the request is not sent again: the shadow may have read it.
    """

    def __init__(self, connect: Callable[[], Awaitable[ShadowConnection]], *, slots: int, floor: ConnectFloor) -> None:
        """`connect` opens one connection, or raises ConnectionFailure; `floor` knows how long that takes at least."""
        self._connect = connect
        self._floor = floor
        self._slots = asyncio.Semaphore(slots)
        self._deadlines = DeadlineTimer()
        self._idle: deque[_KeptConnection] = deque()  # the most recently used at the right
        self._closed = False
        self.replaced_connections = 0

    async def send(self, request: ShadowRequest, *, deadline_s: float) -> ShadowReply:
        """Send a request once; see ShadowClient."""
        check_sendable(request)
        started = time.perf_counter()
        progress = _RequestProgress()
        deadline = self._deadlines.within(deadline_s)
        try:
            with deadline:
                await self._slots.acquire()
                try:
                    return await self._send(request, progress)
                finally:
                    self._slots.release()
        except UnsendableRequest:
            raise
        except Exception as error:
            failure = _explain_timeout(progress, deadline_s) if deadline.expired else _classify(error)
            raise ShadowFailure(
                failure.error,
                " ".join(failure.detail.split())[:DETAIL_LIMIT],
                sent=progress.connection is not None and progress.connection.has_written,
                waited_ms=(time.perf_counter() - started) * 1000,
            ) from error

    async def aclose(self) -> None:
        """Close all idle connections, and each busy one when its request ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().connection.abort()
        await asyncio.sleep(0)  # lets the transports close their sockets

    async def _send(self, request: ShadowRequest, progress: _RequestProgress) -> ShadowReply:
        reused = self._reuse()
        if reused is not None:
            progress.connection = reused.connection
            try:
                return self._make_reply(await self._send_on(reused, request))
            except ConnectionFailure:
                if reused.connection.has_written:
                    raise
            progress.connection = None
            self.replaced_connections += 1
        opened = _KeptConnection(await self._connect(), time.monotonic())
        progress.connection = opened.connection
        return self._make_reply(await self._send_on(opened, request))

    def _make_reply(self, response: Response) -> ShadowReply:
        now_s = time.perf_counter()
        self._floor.record_response(response.latency_ms, now_s)
        return ShadowReply(response, self._floor.read_ms(now_s))

    async def _send_on(self, kept: _KeptConnection, request: ShadowRequest) -> Response:
        connection = kept.connection
        try:
            response = await connection.send(request)
        except BaseException:
            connection.abort()
            raise
        now_s = time.monotonic()
        # After an unhandled error servers close the connection without saying so (uvicorn does): the next request on it
        # would meet a reset that is none of its own.
        is_doomed = response.status >= 500
        if self._closed or is_doomed or not connection.usable or now_s - kept.opened_s > MAX_AGE_S:
            connection.abort()
        else:
            kept.idle_since_s = now_s
            self._idle.append(kept)
        return response

    def _reuse(self) -> _KeptConnection | None:
        """Return the most recently used connection that is still good; close those unused for IDLE_S."""
        now_s = time.monotonic()
        while self._idle and now_s - self._idle[0].idle_since_s > IDLE_S:
            self._idle.popleft().connection.abort()
        while self._idle:
            kept = self._idle.pop()
            if kept.connection.usable and not kept.connection.has_input:
                return kept
            kept.connection.abort()
            self.replaced_connections += 1
        return None


def _explain_timeout(progress: _RequestProgress, deadline_s: float) -> ConnectionFailure:
    if progress.connection is None:
        detail = "no connection"
    elif not progress.connection.has_read:
        detail = "connected, but no response"
    else:
        detail = "the response was not complete"
    return ConnectionFailure(ShadowErrorClass.TIMEOUT, f"{detail} within {deadline_s:.3g} s")


def _classify(error: Exception) -> ConnectionFailure:
    match error:
        case ConnectionFailure():
            return error
        case OSError():  # an ssl.SSLError is one
            return make_broken_failure(error)
        case _:
            return ConnectionFailure(ShadowErrorClass.PROTOCOL, f"{type(error).__name__}: {error}")

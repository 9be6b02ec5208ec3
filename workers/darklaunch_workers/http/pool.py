"""Up to `slots` kept-alive connections to one shadow, and the life of one request on one of them."""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ShadowErrorClass

from .deadlines import DeadlineTimer
from .errors import ConnectionFailure, ShadowFailure, UnsendableRequest
from .interface import ShadowConnection, ShadowReply, ShadowRequest
from .request import check_sendable

IDLE_S: Final = 4.0
"""How long an unused connection is kept. Below the keep-alive of common servers (5 s), so that ours end first."""

DETAIL_LIMIT: Final = 200


@dataclass(slots=True)
class _RequestProgress:
    """The connection a request is on, if it has one; read when it fails."""

    connection: ShadowConnection | None = None


class PooledClient:
    """Sends requests over kept-alive connections, one request at a time on each.

    A kept-alive connection may be closed by the shadow at the very moment a request is written to it. That is no
    failure of the shadow: when a reused connection ends before the first byte of a response, the request goes out
    once more on a new connection, inside the same deadline (RFC 9112 section 9.3.1). Writes as well: replays are
    delivered at least once anyhow, and carry an Idempotency-Key for it.
    """

    def __init__(self, connect: Callable[[], Awaitable[ShadowConnection]], *, slots: int) -> None:
        """`connect` opens one connection, or raises ConnectionFailure."""
        self._connect = connect
        self._slots = asyncio.Semaphore(slots)
        self._deadlines = DeadlineTimer()
        self._idle: deque[tuple[ShadowConnection, float]] = deque()  # since when; the most recently used at the right
        self._closed = False

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
            self._idle.pop()[0].abort()
        await asyncio.sleep(0)  # lets the transports close their sockets

    async def _send(self, request: ShadowRequest, progress: _RequestProgress) -> ShadowReply:
        reused = progress.connection = self._reuse()
        if reused is not None:
            try:
                return ShadowReply(await self._send_on(reused, request), attempts=1)
            except ConnectionFailure as failure:
                if failure.error is not ShadowErrorClass.RESET or reused.has_read:
                    raise
            progress.connection = None
        opened = progress.connection = await self._connect()
        return ShadowReply(await self._send_on(opened, request), attempts=1 if reused is None else 2)

    async def _send_on(self, connection: ShadowConnection, request: ShadowRequest) -> Response:
        try:
            response = await connection.send(request)
        except BaseException:
            connection.abort()
            raise
        if self._closed or not connection.usable:
            connection.abort()
        else:
            self._idle.append((connection, time.monotonic()))
        return response

    def _reuse(self) -> ShadowConnection | None:
        """Return the most recently used connection that is still good; close those unused for IDLE_S."""
        now = time.monotonic()
        while self._idle and now - self._idle[0][1] > IDLE_S:
            self._idle.popleft()[0].abort()
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
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
        case ssl.SSLError():
            return ConnectionFailure(ShadowErrorClass.TLS, str(error))
        case OSError():
            return ConnectionFailure(ShadowErrorClass.RESET, f"the connection broke: {error}")
        case _:
            return ConnectionFailure(ShadowErrorClass.PROTOCOL, f"{type(error).__name__}: {error}")

"""Up to `slots` connections to one shadow, and the life of one request on one of them."""

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
from .errors import ConnectionFault, ShadowFailure, UnsendableRequest
from .interface import ShadowConnection, ShadowReply, ShadowRequest
from .request import check_sendable

IDLE_S: Final = 4.0
"""How long an unused connection is kept. Below the keep-alive of common servers (5 s), so that ours end first."""

DETAIL_LIMIT: Final = 200


@dataclass(slots=True)
class _RequestProgress:
    """How far a request has come; read when it fails."""

    connection: ShadowConnection | None = None


class PooledClient:
    """Send requests over kept-alive connections, one request at a time on each.

    A kept-alive connection may be closed by the shadow at the very moment a request is written to it. That is no
    failure of the shadow's: when a reused connection ends before the first byte of an answer, the request goes out once
    more on a new connection, inside the same deadline (RFC 9112 section 9.3.1). Writes as well: replays are delivered
    at least once anyhow, and carry an Idempotency-Key for it.
    """

    def __init__(self, connect: Callable[[], Awaitable[ShadowConnection]], *, slots: int) -> None:
        """`connect` opens one connection, or raises Fault."""
        self._connect = connect
        self._slots = asyncio.Semaphore(slots)
        self._deadlines = DeadlineTimer()
        self._idle: deque[tuple[ShadowConnection, float]] = deque()  # the most recently used at the right
        self._closed = False

    async def send(self, request: ShadowRequest, *, deadline_s: float) -> ShadowReply:
        """Send a request once; see ShadowClient."""
        check_sendable(request)
        started = time.perf_counter()
        trip = _RequestProgress()
        deadline = self._deadlines.within(deadline_s)
        try:
            with deadline:
                await self._slots.acquire()
                try:
                    return await self._send(request, trip)
                finally:
                    self._slots.release()
        except UnsendableRequest:
            raise
        except Exception as broken:
            fault = _late(trip, deadline_s) if deadline.expired else _classify(broken)
            raise ShadowFailure(
                fault.error,
                " ".join(fault.detail.split())[:DETAIL_LIMIT],
                sent=trip.connection is not None and trip.connection.wrote,
                waited_ms=(time.perf_counter() - started) * 1000,
            ) from broken

    async def aclose(self) -> None:
        """Close all idle connections, and each busy one when its request ends."""
        self._closed = True
        while self._idle:
            self._idle.pop()[0].abort()
        await asyncio.sleep(0)  # lets the transports close their sockets

    async def _send(self, request: ShadowRequest, trip: _RequestProgress) -> ShadowReply:
        kept = trip.connection = self._reuse()
        if kept is not None:
            try:
                return ShadowReply(await self._exchange(kept, request), attempts=1)
            except ConnectionFault as fault:
                if fault.error is not ShadowErrorClass.RESET or kept.heard:
                    raise
            trip.connection = None
        fresh = trip.connection = await self._connect()
        return ShadowReply(await self._exchange(fresh, request), attempts=1 if kept is None else 2)

    async def _exchange(self, connection: ShadowConnection, request: ShadowRequest) -> Response:
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.abort()
            raise
        if self._closed or not connection.usable:
            connection.abort()
        else:
            self._idle.append((connection, time.monotonic()))
        return answer

    def _reuse(self) -> ShadowConnection | None:
        """Take the most recently used connection that is still good; close those nobody used for IDLE_S."""
        now = time.monotonic()
        while self._idle and now - self._idle[0][1] > IDLE_S:
            self._idle.popleft()[0].abort()
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None


def _late(trip: _RequestProgress, deadline_s: float) -> ConnectionFault:
    if trip.connection is None:
        detail = "no connection"
    elif not trip.connection.heard:
        detail = "connected, but no answer"
    else:
        detail = "the answer was not complete"
    return ConnectionFault(ShadowErrorClass.TIMEOUT, f"{detail} within {deadline_s:.3g} s")


def _classify(broken: Exception) -> ConnectionFault:
    match broken:
        case ConnectionFault():
            return broken
        case ssl.SSLError():
            return ConnectionFault(ShadowErrorClass.TLS, str(broken))
        case OSError():
            return ConnectionFault(ShadowErrorClass.RESET, f"the connection broke: {broken}")
        case _:
            return ConnectionFault(ShadowErrorClass.PROTOCOL, f"{type(broken).__name__}: {broken}")

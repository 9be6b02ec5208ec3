"""The implementation that is always there: httpx's own HTTP/1.1 connection (httpcore over h11), one per slot.

httpx's pool, models, cookies and redirects stay outside: a replay wants none of them, and even one transport per slot
costs three times the CPU of the connection alone (bench/http_clients.py). h11 refuses what RFC 9112 forbids, so a
target with bytes above 0x7e is a BadRequest here, while the fast implementation sends it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import httpcore
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ShadowErrorClass

from .errors import ConnectionFault, UnsendableRequest, too_large
from .interface import ResponseCaps, ShadowRequest
from .socket_stream import ResponseHeadBound, SocketStream


class HttpxConnection:
    """One connection to the shadow; see Connection."""

    def __init__(self, wire: SocketStream, origin: Origin, caps: ResponseCaps) -> None:
        self._wire = wire
        self._caps = caps
        self._origin = httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port)
        self._http11 = httpcore.AsyncHTTP11Connection(self._origin, wire)
        self._spent = False

    @property
    def wrote(self) -> bool:
        """Whether a byte of the present request was written."""
        return self._wire.wrote_at > 0

    @property
    def heard(self) -> bool:
        """Whether a byte of the present answer arrived."""
        return self._wire.read_bytes > 0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._http11.is_available() and not self._spent and self._wire.quiet

    async def exchange(self, request: ShadowRequest) -> Response:
        """Send a request and read the answer. Raises Fault, or BadRequest when h11 refuses to send it."""
        wire, caps = self._wire, self._caps
        heads = ResponseHeadBound(caps)
        wire.begin(heads.feed)
        try:
            response = await self._http11.handle_async_request(self._request(request))
            body = await self._body(request.method, response)
        except httpcore.LocalProtocolError as refused:
            if not wire.wrote_at:
                raise UnsendableRequest(f"httpx cannot send this request as it is: {refused}") from refused
            raise ConnectionFault(ShadowErrorClass.PROTOCOL, str(refused)) from refused
        except httpcore.RemoteProtocolError as broken:
            if wire.ended:
                detail = "the shadow closed the connection before the answer was complete"
                raise ConnectionFault(ShadowErrorClass.RESET, detail) from broken
            raise ConnectionFault(ShadowErrorClass.PROTOCOL, f"the answer is not HTTP: {broken}") from broken
        finally:
            wire.end()
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers)
        return Response(response.status, headers, body, (wire.read_at - wire.wrote_at) * 1000)

    def abort(self) -> None:
        """Close at once."""
        self._wire.abort()

    def _request(self, request: ShadowRequest) -> httpcore.Request:
        origin = self._origin
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=request.target)
        return httpcore.Request(request.method.encode("ascii"), url, headers=request.headers, content=request.body)

    async def _body(self, method: str, response: httpcore.Response) -> bytes:
        """Read the body, up to the cap, and leave the connection ready for the next request or `_spent`."""
        caps = self._caps
        if response.status == 101:
            raise ConnectionFault(ShadowErrorClass.PROTOCOL, "the shadow answered with status 101")
        if len(response.headers) > caps.header_cap_count:
            raise too_large("number of header fields", caps.header_cap_count)
        for name, value in response.headers:
            if name.lower() == b"content-length" and method != "HEAD" and int(value) > caps.body_cap_bytes:
                raise too_large("body", caps.body_cap_bytes)
        size, chunks = 0, list[bytes]()
        async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_stream())) as stream:
            async for chunk in stream:
                size += len(chunk)
                if size > caps.body_cap_bytes:
                    raise too_large("body", caps.body_cap_bytes)
                chunks.append(chunk)
        await response.aclose()
        # httpcore keeps bytes that follow an answer and would take them for the next one
        self._spent = bool(cast(Any, self._http11)._h11_state.trailing_data[0])
        return b"".join(chunks)

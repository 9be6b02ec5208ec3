"""The implementation that is always there: httpx's own HTTP/1.1 connection (httpcore over h11), one per slot.

httpx's pool, models, cookies and redirects stay outside: a replay wants none of them, and even one transport per slot
costs three times the CPU of the connection alone (bench/http_clients.py). h11 refuses what RFC 9112 forbids, so a
target with bytes above 0x7e is an UnsendableRequest here, while the fast implementation sends it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import httpcore
from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ShadowErrorClass

from .errors import ConnectionFailure, UnsendableRequest, make_cap_failure
from .interface import ResponseCaps, ShadowRequest
from .socket_stream import ResponseHeadBound, SocketStream


class HttpxConnection:
    """One connection to the shadow; see ShadowConnection."""

    def __init__(self, stream: SocketStream, origin: Origin, caps: ResponseCaps) -> None:
        self._stream = stream
        self._caps = caps
        self._origin = httpcore.Origin(origin.scheme.encode(), origin.host.encode(), origin.port)
        self._http11 = httpcore.AsyncHTTP11Connection(self._origin, stream)
        self._spent = False

    @property
    def has_written(self) -> bool:
        """True if a byte of the present request was written."""
        return self._stream.wrote_at > 0

    @property
    def has_read(self) -> bool:
        """True if a byte of the response to it arrived."""
        return self._stream.read_bytes > 0

    @property
    def usable(self) -> bool:
        """True if another request may be sent."""
        return self._http11.is_available() and not self._spent and self._stream.quiet

    @property
    def has_input(self) -> bool:
        """True if bytes, or the connection's end, have arrived that the event loop has not handed over yet."""
        return self._stream.has_input

    async def send(self, request: ShadowRequest) -> Response:
        """Send a request and read the response.

        Raises ConnectionFailure, or UnsendableRequest when h11 refuses to send it.
        """
        stream = self._stream
        stream.begin(ResponseHeadBound(self._caps).feed)
        try:
            response = await self._http11.handle_async_request(self._build_request(request))
            body = await self._read_body(request.method, response)
        except httpcore.LocalProtocolError as error:
            if not stream.wrote_at:
                raise UnsendableRequest(f"httpx cannot send this request as it is: {error}") from error
            raise ConnectionFailure(ShadowErrorClass.PROTOCOL, str(error)) from error
        except httpcore.RemoteProtocolError as error:
            if stream.ended:
                detail = "the shadow closed the connection before the response was complete"
                raise ConnectionFailure(ShadowErrorClass.RESET, detail) from error
            raise ConnectionFailure(ShadowErrorClass.PROTOCOL, f"the response is not HTTP: {error}") from error
        finally:
            stream.end()
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers)
        return Response(response.status, headers, body, (stream.read_at - stream.wrote_at) * 1000)

    def abort(self) -> None:
        """Close at once."""
        self._stream.abort()

    def _build_request(self, request: ShadowRequest) -> httpcore.Request:
        origin = self._origin
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=origin.port, target=request.target)
        return httpcore.Request(request.method.encode("ascii"), url, headers=request.headers, content=request.body)

    async def _read_body(self, method: str, response: httpcore.Response) -> bytes:
        """Read the body, up to the cap, and leave the connection ready for the next request or `_spent`."""
        caps = self._caps
        if response.status == 101:
            raise ConnectionFailure(ShadowErrorClass.PROTOCOL, "the shadow responded with status 101")
        if len(response.headers) > caps.header_cap_count:
            raise make_cap_failure("number of header fields", caps.header_cap_count)
        for name, value in response.headers:
            if name.lower() == b"content-length" and method != "HEAD" and int(value) > caps.body_cap_bytes:
                raise make_cap_failure("body", caps.body_cap_bytes)
        size = 0
        chunks = list[bytes]()
        async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_stream())) as body:
            async for chunk in body:
                size += len(chunk)
                if size > caps.body_cap_bytes:
                    raise make_cap_failure("body", caps.body_cap_bytes)
                chunks.append(chunk)
        await response.aclose()
        # httpcore keeps bytes that follow a response and would take them for the next one
        self._spent = bool(cast(Any, self._http11)._h11_state.trailing_data[0])
        return b"".join(chunks)

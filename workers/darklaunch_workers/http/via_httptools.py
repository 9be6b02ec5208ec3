"""The fast implementation: an asyncio protocol over httptools, the binding of Node's llhttp parser.

The request's bytes are written as they are, which no client library offers: URL classes take fragments off and
normalise `/../`, header maps re-encode latin-1 as UTF-8. It also costs less than half of aiohttp's CPU
(bench/http_clients.py).
"""

import asyncio
import time
from typing import cast

import httptools
from darklaunch_shared.exchange import Answer
from darklaunch_shared.replay import ShadowErrorClass

from .errors import Fault, too_large
from .seam import Caps, ShadowRequest

_OVERHEAD = 8  # bytes on the wire per byte of body: one-byte chunks take six


class HttptoolsConnection(asyncio.Protocol):
    """One connection to the shadow; see Connection."""

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._lost = False
        self._reading: Reading | None = None
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[None]
        self._read_at = 0.0
        self._spent = False  # the last answer ended the connection, or bytes followed it
        self.wrote = False
        self.heard = False

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return not (self._spent or self._lost or self._transport.is_closing())

    async def exchange(self, request: ShadowRequest) -> Answer:
        """Send a request and read the answer. Raises Fault."""
        self.wrote = self.heard = False
        if self._lost:
            raise Fault(ShadowErrorClass.RESET, "the shadow closed the connection before the request was sent")
        reading = self._reading = Reading(request.method, self._caps)
        self._waiter = asyncio.get_running_loop().create_future()
        head = [b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), request.target)]
        head += [b"%b: %b\r\n" % field for field in request.headers]
        wrote_at = time.perf_counter()
        self.wrote = True
        self._transport.write(b"%b\r\n%b" % (b"".join(head), request.body))
        try:
            await self._waiter
        finally:
            self._reading = None
            reading.close()
        self._spent = not reading.clean or self._transport.get_write_buffer_size() > 0
        return Answer(reading.status, tuple(reading.headers), b"".join(reading.body), (self._read_at - wrote_at) * 1000)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        reading = self._reading
        if reading is None:  # nobody asked: what it would answer is anyone's guess
            self._transport.abort()
            return
        self._read_at = time.perf_counter()
        self.heard = True
        try:
            reading.feed(data)
        except Fault as fault:
            self._settle(fault)
        else:
            if reading.complete:
                self._settle(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._lost = True
        if self._reading is None:
            return
        self._read_at = time.perf_counter()
        if exc is None and self._reading.ends_with_connection:
            self._settle(None)
        elif exc is None:
            self._settle(
                Fault(ShadowErrorClass.RESET, "the shadow closed the connection before the answer was complete")
            )
        else:
            self._settle(Fault(ShadowErrorClass.RESET, f"the connection broke: {exc}"))

    def _settle(self, fault: Fault | None) -> None:
        if self._waiter.done():
            return
        if fault is None:
            self._waiter.set_result(None)
        else:
            self._waiter.set_exception(fault)


class Reading:
    """One answer as it comes in: feed it bytes until it is `complete`. No I/O.

    `clean` is True when the connection may carry another request.
    """

    def __init__(self, method: str, caps: Caps) -> None:
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.body: list[bytes] = []
        self.complete = False
        self.clean = False
        self._caps = caps
        self._bodiless = method == "HEAD"
        self._final = False  # the header section of the final response is read
        self._framed = False  # its end is known from a length or chunks, not from the end of the connection
        self._informational = 0
        self._body_bytes = 0
        self._header_bytes = 0
        self._fed_bytes = 0
        self._fault: Fault | None = None
        self._parser: httptools.HttpResponseParser = httptools.HttpResponseParser(self)
        # what every browser accepts: bare line feeds, spaces behind a chunk size
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)

    @property
    def ends_with_connection(self) -> bool:
        """Whether the end of the connection is the end of the body."""
        return self._final and not self._framed

    def feed(self, data: bytes) -> None:
        """Read on. Raises Fault when this is not HTTP or a cap is reached."""
        self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as broken:
            self.clean = False
            if not self.complete:
                raise self._fault or Fault(ShadowErrorClass.PROTOCOL, f"the answer is not HTTP: {broken}") from None
        caps = self._caps
        limit = caps.header_cap_bytes + (_OVERHEAD * caps.body_cap_bytes if self._final else 0)
        if self._fed_bytes > limit and not self.complete:  # headers or chunk framing without end
            raise too_large("header section or chunk framing", limit)

    def close(self) -> None:
        """Let go of the parser, which holds on to this object."""
        del self._parser

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self.complete:
            self.clean = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for trailers too."""
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > self._caps.header_cap_bytes:
            raise self._refuse(too_large("header section", self._caps.header_cap_bytes))
        if self._final:
            return
        field = name.decode("latin-1").lower()
        self.headers.append((field, value.decode("latin-1").strip(" \t")))
        if len(self.headers) > self._caps.header_cap_count:
            raise self._refuse(too_large("number of header fields", self._caps.header_cap_count))

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self.complete:
            return
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self._count_informational()
            return
        self._final = True
        self.clean = self._parser.should_keep_alive()
        if self._bodiless:
            self.complete = True
            return
        for field, value in self.headers:
            if field == "content-length":
                self._framed = True
                if int(value) > self._caps.body_cap_bytes:
                    raise self._refuse(too_large("body", self._caps.body_cap_bytes))
            elif field == "transfer-encoding" and value.lower().endswith("chunked"):
                self._framed = True

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        if self.complete:
            self.clean = False
            return
        self._body_bytes += len(data)
        if self._body_bytes > self._caps.body_cap_bytes:
            raise self._refuse(too_large("body", self._caps.body_cap_bytes))
        self.body.append(data)

    def on_message_complete(self) -> None:
        """Called by the parser, for informational responses too."""
        self.complete = self._final

    def _count_informational(self) -> None:
        self._informational += 1
        self.headers.clear()
        if self.status == 101 or self.status < 100:
            raise self._refuse(Fault(ShadowErrorClass.PROTOCOL, f"the shadow answered with status {self.status}"))
        if self._informational > self._caps.informational_cap:
            cap = self._caps.informational_cap
            raise self._refuse(Fault(ShadowErrorClass.PROTOCOL, f"more than {cap} informational responses"))

    def _refuse(self, fault: Fault) -> Fault:
        """Keep a fault raised in a callback: the parser raises one of its own instead."""
        self._fault = fault
        return fault

"""The fast implementation: an asyncio protocol over httptools, the binding of Node's llhttp parser.

The request's bytes are written as they are, which no client library offers: URL classes take fragments off and
normalise `/../`, header maps re-encode latin-1 as UTF-8. It also costs less than half of aiohttp's CPU
(bench/http_clients.py).
"""

import asyncio
import time
from typing import cast

import httptools
from darklaunch_shared.wire.exchange import Headers, Response
from darklaunch_shared.wire.replay import ShadowErrorClass

from .errors import ConnectionFailure, make_broken_failure, make_cap_failure
from .framing import check_framing, check_version
from .interface import ResponseCaps, ShadowRequest
from .socket_stream import acknowledge_now, has_input

_FRAMING_FACTOR = 8  # bytes on the wire per byte of body: one-byte chunks take six


class HttptoolsConnection(asyncio.Protocol):
    """One connection to the shadow; see ShadowConnection."""

    def __init__(self, caps: ResponseCaps) -> None:
        self._lost = False
        self._parser = ResponseParser(caps)
        self._waiter: asyncio.Future[None] | None = None  # set while a response is awaited
        self._transport: asyncio.Transport
        self._read_at = 0.0
        self._spent = False  # the last response ended the connection, or bytes followed it
        self.has_written = False
        self.has_read = False

    @property
    def usable(self) -> bool:
        """True if another request may be sent."""
        return not (self._spent or self._lost or self._transport.is_closing())

    @property
    def has_input(self) -> bool:
        """True if bytes, or the connection's end, have arrived that the event loop has not handed over yet."""
        return has_input(self._transport)

    async def send(self, request: ShadowRequest) -> Response:
        """Send a request and read the response. Raises ConnectionFailure."""
        self.has_written = self.has_read = False
        if self._lost:
            raise ConnectionFailure(
                ShadowErrorClass.RESET, "the shadow closed the connection before the request was sent"
            )
        parser = self._parser
        parser.begin(request.method)
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        request_line = b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.target)
        head = b"\r\n".join([request_line, *map(b": ".join, request.headers)])
        wrote_at = time.perf_counter()
        self.has_written = True
        self._transport.write(b"%b\r\n\r\n%b" % (head, request.body))
        try:
            await waiter
        except BaseException:
            parser.body.clear()  # else the error's traceback keeps up to the cap in memory until collected
            raise
        finally:
            self._waiter = None
        self._spent = not parser.clean or self._transport.get_write_buffer_size() > 0
        return Response(parser.status, parser.headers, b"".join(parser.body), (self._read_at - wrote_at) * 1000)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        waiter = self._waiter
        if waiter is None:  # nothing was asked: these bytes must not become the next response
            self._transport.abort()
            return
        self._read_at = time.perf_counter()
        self.has_read = True
        try:
            self._parser.feed(data)
        except ConnectionFailure as failure:
            self._fail(failure)
        else:
            if not self._parser.complete:
                acknowledge_now(self._transport)
            elif not waiter.done():
                waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio."""
        self._lost = True
        parser = self._parser
        waiter = self._waiter
        parser.close()
        if waiter is None or waiter.done():
            return
        self._read_at = time.perf_counter()
        if exc is not None:
            self._fail(make_broken_failure(exc))
        elif parser.ends_with_connection:
            waiter.set_result(None)
        else:
            self._fail(
                ConnectionFailure(
                    ShadowErrorClass.RESET, "the shadow closed the connection before the response was complete"
                )
            )

    def _fail(self, failure: ConnectionFailure) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)


class ResponseParser:
    """Parses one response after the other: begin each, and feed it bytes until it is `complete`. No I/O.

    `clean` is True when the connection may carry another request.
    """

    def __init__(self, caps: ResponseCaps) -> None:
        self._caps = caps
        self._bodiless = False
        self._is_chunked = False
        self._parser: httptools.HttpResponseParser | None = None

    def begin(self, method: str) -> None:
        """Expect the response to a request."""
        if self._parser is None or self._bodiless:  # after HEAD, a parser waits for the body that the header announced
            self._parser = httptools.HttpResponseParser(self)
            # what every browser accepts: bare line feeds, spaces behind a chunk size, and a length among the trailers
            # of chunks (beside them it is refused by check_framing)
            self._parser.set_dangerous_leniencies(
                lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True, lenient_chunked_length=True
            )
        elif self._is_chunked:
            self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self.status = 0
        self.headers: Headers = ()
        self.body: list[bytes] = []
        self.complete = False
        self.clean = False
        self._bodiless = method == "HEAD"
        self._is_chunked = False
        self._final = False  # the header section of the final response is read
        self._framed = False  # its end is known from a length or chunks, not from the end of the connection
        self._section: list[tuple[bytes, bytes]] = []  # the fields of the present header or trailer section
        self._informational = 0
        self._header_bytes = 0
        self._body_bytes = 0
        self._fed_bytes = 0
        self._failure: ConnectionFailure | None = None

    @property
    def ends_with_connection(self) -> bool:
        """True if the end of the connection is the end of the body."""
        return self._final and not self._framed

    def feed(self, data: bytes) -> None:
        """Read on. Raises ConnectionFailure when this is not HTTP or a cap is reached."""
        if self._parser is None:
            raise RuntimeError("fed without a response to expect")
        if not self._fed_bytes and not b"HTTP/".startswith(data[:5]):  # the parser skips line ends before a response
            raise ConnectionFailure(ShadowErrorClass.PROTOCOL, f"the response is not HTTP: {data[:40]!r}")
        self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.clean = False
            if not self.complete:
                raise self._failure or ConnectionFailure(
                    ShadowErrorClass.PROTOCOL, f"the response is not HTTP: {error}"
                ) from None
        if self.complete:
            return
        caps = self._caps
        if self._final and self._section:  # a trailer section that goes on
            self._end_section()
            self._section.clear()
        limit = caps.header_cap_bytes + (_FRAMING_FACTOR * caps.body_cap_bytes if self._final else 0)
        if self._fed_bytes > limit:  # headers or chunk framing without end
            raise make_cap_failure("header section or chunk framing", limit)

    def close(self) -> None:
        """Drop the reference to the parser, which refers to this object: nothing is left to garbage collection."""
        self._parser = None

    def on_message_begin(self) -> None:
        """Called by the parser."""
        if self.complete:
            self.clean = False

    def on_status(self, reason: bytes) -> None:
        """Called by the parser."""
        self._header_bytes += len(reason)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, for trailers too. A section is checked when it ends."""
        self._section.append((name, value))

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if self.complete or self._parser is None:
            return
        self._end_section()
        self.status = self._parser.get_status_code()
        if self.status < 200:
            self._count_informational()
            return
        if len(self._section) > self._caps.header_cap_count:
            raise self._refuse(make_cap_failure("number of header fields", self._caps.header_cap_count))
        self.headers = tuple(
            [(name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")) for name, value in self._section]
        )
        self._section.clear()
        try:
            check_version(self._parser.get_http_version())
            check_framing(self.headers)
        except ConnectionFailure as failure:
            raise self._refuse(failure) from None
        self._final = True
        self.clean = self._parser.should_keep_alive()
        if self._bodiless:
            self.complete = True
            return
        for field, value in self.headers:
            if field == "content-length":
                self._framed = True
                if int(value) > self._caps.body_cap_bytes:
                    raise self._refuse(make_cap_failure("body", self._caps.body_cap_bytes))
            elif field == "transfer-encoding":
                self._framed = True
                # the leniency is for header fields: between chunks, a bare line feed reads differently elsewhere
                self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=False)
                self._is_chunked = True

    def on_body(self, data: bytes) -> None:
        """Called by the parser."""
        if self.complete:
            self.clean = False
            return
        self._body_bytes += len(data)
        if self._body_bytes > self._caps.body_cap_bytes:
            raise self._refuse(make_cap_failure("body", self._caps.body_cap_bytes))
        self.body.append(data)

    def on_message_complete(self) -> None:
        """Called by the parser, for informational responses too."""
        if self._final and self._section:
            self._end_section()
        self.complete = self._final

    def _end_section(self) -> None:
        """Count a section's bytes, each field with its colon, space and line end."""
        self._header_bytes += sum([len(name) + len(value) + 4 for name, value in self._section])
        if self._header_bytes > self._caps.header_cap_bytes:
            raise self._refuse(make_cap_failure("header section", self._caps.header_cap_bytes))

    def _count_informational(self) -> None:
        self._informational += 1
        self._section.clear()
        if self.status == 101 or self.status < 100:
            raise self._refuse(
                ConnectionFailure(ShadowErrorClass.PROTOCOL, f"the shadow responded with status {self.status}")
            )
        if self._informational > self._caps.informational_cap:
            cap = self._caps.informational_cap
            raise self._refuse(ConnectionFailure(ShadowErrorClass.PROTOCOL, f"more than {cap} informational responses"))

    def _refuse(self, failure: ConnectionFailure) -> ConnectionFailure:
        """Keep a failure raised in a callback: the parser raises an error of its own instead."""
        self._failure = failure
        return failure

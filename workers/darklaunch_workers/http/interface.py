"""The interface to a shadow: one attempt of one request, and what the two implementations share.

A client never redirects, keeps no cookies, reads no proxy environment, adds no header, decodes no body and sends a
request once.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from darklaunch_shared.wire.exchange import Response


class ShadowRequest(NamedTuple):
    """A request as it goes on the wire.

    `target` is the raw request target, `headers` are complete (Host, Content-Length) and in wire order.
    """

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class ShadowReply(NamedTuple):
    """A response of the shadow, and the connection floor at that moment.

    `response.latency_ms` runs from the first byte written to the last byte read, on a connection that was there:
    waiting for a slot, resolving and connecting are not in it. `response.body` is free of transfer coding but keeps
    its content coding. `floor_ms` is the least time that a TCP connection to this server took in the last minutes, None
    when unknown.
    """

    response: Response
    floor_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ResponseCaps:
    """How much of a response is read before it is given up.

    body_cap_bytes      body without transfer coding, as sent, not inflated
    header_cap_bytes    all header sections of one response, informational ones included
    header_cap_count    header fields of the final response
    informational_cap   1xx responses before the final one
    """

    body_cap_bytes: int = 1_048_576
    header_cap_bytes: int = 65_536
    header_cap_count: int = 256
    informational_cap: int = 32


class ShadowClient(Protocol):
    """Sends requests to one shadow.

    `replaced_connections` counts those that the shadow had closed, or spoiled, while they were kept: nothing was
    written to them, and the request that was about to went to another.
    """

    replaced_connections: int

    async def send(self, request: ShadowRequest, *, deadline_s: float) -> ShadowReply:
        """Send a request once and read the whole response before the deadline, which covers everything.

        Raises ShadowFailure when there is no response, UnsendableRequest when the request cannot be sent as it is.
        Nothing else but cancellation escapes.
        """
        ...

    async def aclose(self) -> None:
        """Close all idle connections, and each busy one when its request ends."""
        ...


class ShadowConnection(Protocol):
    """One connection to the shadow, one request at a time."""

    @property
    def has_written(self) -> bool:
        """True if a byte of the present request was written."""
        ...

    @property
    def has_read(self) -> bool:
        """True if a byte of the response to it arrived."""
        ...

    @property
    def usable(self) -> bool:
        """True if another request may be sent: still open, nothing left over from the response before."""
        ...

    @property
    def has_input(self) -> bool:
        """True if bytes, or the connection's end, have arrived that the event loop has not handed over yet."""
        ...

    async def send(self, request: ShadowRequest) -> Response:
        """Send a request and read the response.

        Raises ConnectionFailure, or UnsendableRequest before the first byte is written.
        """
        ...

    def abort(self) -> None:
        """Close at once, without waiting for anything."""
        ...

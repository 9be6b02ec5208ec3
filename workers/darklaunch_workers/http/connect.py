"""Connections to a shadow that never touch an address that must not be called.

The name is resolved for every connection, every address it has is checked, and the connection goes to the very
address that was checked: a name that resolves to another address after the check (DNS rebinding) gains nothing.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, TypeVar

from darklaunch_shared.launch.origin import Origin, explain_forbidden_address
from darklaunch_shared.launch.tls_errors import explain_tls_error
from darklaunch_shared.wire.replay import ShadowErrorClass

from .connect_floor import ConnectFloor
from .errors import ConnectionFailure

StreamProtocol = TypeVar("StreamProtocol", bound=asyncio.Protocol)
AddressInfo = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]

ATTEMPT_S: Final = 1.0
"""How long one address may take to accept while others are left to try."""


class Dialer:
    """Opens connections to one origin. `floor` is the least time that took, TLS not included."""

    def __init__(self, origin: Origin, *, tls: Callable[[], ssl.SSLContext] | None, allow_metadata: bool) -> None:
        """`tls` returns the context for a connection to an https origin; None is for http."""
        self.floor = ConnectFloor()
        self._origin = origin
        self._tls = tls
        self._allow_metadata = allow_metadata
        self._literal_addresses = _parse_literal(origin)
        self._lookup: asyncio.Task[list[AddressInfo]] | None = None

    async def connect(self, protocol: Callable[[], StreamProtocol]) -> StreamProtocol:
        """Connect, with TLS for an https origin. Raises ConnectionFailure; cancellation leaves no socket open."""
        addresses = self._literal_addresses or await self._resolve()
        self._refuse_forbidden(addresses)
        failure = ConnectionFailure(ShadowErrorClass.DNS, f"{self._origin.host} has no address")
        for family, address in addresses:
            is_last = (family, address) == addresses[-1]
            started_s = time.perf_counter()
            try:
                async with asyncio.timeout(None if is_last else ATTEMPT_S):
                    sock = await _open_socket(family, address)
            except OSError as error:
                failure = _explain_refusal(self._origin, address[0], error)
                continue
            connected_s = time.perf_counter()
            self.floor.record_connect((connected_s - started_s) * 1000, connected_s)
            return await self._start_protocol(protocol, sock)
        raise failure

    async def _resolve(self) -> list[AddressInfo]:
        """Resolve the name, by one lookup for all that wait: a hanging name server costs one thread, not many."""
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.create_task(_look_up(self._origin))
            self._lookup.add_done_callback(_retrieve_exception)
        return await asyncio.shield(self._lookup)

    def _refuse_forbidden(self, addresses: list[AddressInfo]) -> None:
        if self._allow_metadata:
            return
        for _, address in addresses:
            if reason := explain_forbidden_address(str(address[0])):
                raise ConnectionFailure(ShadowErrorClass.FORBIDDEN, f"{self._origin} must not be called: {reason}")

    async def _start_protocol(self, protocol: Callable[[], StreamProtocol], sock: socket.socket) -> StreamProtocol:
        """Hand the connected socket to the event loop, which owns and closes it from here on, failed or not."""
        context = self._tls() if self._tls else None
        name = self._origin.host if context else None
        try:
            _, started = await asyncio.get_running_loop().create_connection(
                protocol, sock=sock, ssl=context, server_hostname=name
            )
        except (OSError, ValueError) as error:  # ValueError: a host name that TLS cannot carry
            if context is None:
                raise ConnectionFailure(
                    ShadowErrorClass.RESET, f"{self._origin} closed the connection at once"
                ) from error
            reason = explain_tls_error(error, self._origin.host)
            raise ConnectionFailure(ShadowErrorClass.TLS, f"no TLS with {self._origin}: {reason}") from error
        return started


async def _look_up(origin: Origin) -> list[AddressInfo]:
    loop = asyncio.get_running_loop()
    try:
        results = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectionFailure(ShadowErrorClass.DNS, f"{origin.host} could not be resolved: {error}") from error
    return [(family, address) for family, _, _, _, address in results]


def _parse_literal(origin: Origin) -> list[AddressInfo]:
    """Return the address of an origin that names one instead of a host; none for a host name."""
    try:
        results = socket.getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in results]


async def _open_socket(family: int, address: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio sets it on sockets of its own making only
        await asyncio.get_running_loop().sock_connect(sock, address)  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock


def _explain_refusal(origin: Origin, address: object, error: OSError) -> ConnectionFailure:
    where = f"{origin} ({address})"
    if isinstance(error, TimeoutError):
        return ConnectionFailure(ShadowErrorClass.TIMEOUT, f"{where} did not accept a connection in time")
    if isinstance(error, ConnectionRefusedError):
        return ConnectionFailure(ShadowErrorClass.REFUSED, f"{where} refused the connection")
    return ConnectionFailure(ShadowErrorClass.REFUSED, f"{where} cannot be reached: {error.strerror or error}")


def _retrieve_exception(lookup: asyncio.Task[list[AddressInfo]]) -> None:
    """Mark the exception of a lookup that nothing waits for any more as retrieved, so that asyncio does not log it."""
    if not lookup.cancelled():
        lookup.exception()

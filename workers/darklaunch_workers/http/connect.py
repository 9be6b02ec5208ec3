"""Connect to a shadow without ever touching an address that must not be called.

The name is resolved for every connection, every address it has is checked, and the connection goes to the very
address that was checked: a name that changes its mind between check and connect (DNS rebinding) gains nothing.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, TypeVar

from darklaunch_shared.launch.origin import Origin, explain_forbidden_address
from darklaunch_shared.wire.replay import ShadowErrorClass

from .errors import ConnectionFault

P = TypeVar("P", bound=asyncio.Protocol)
AddressInfo = tuple[int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]

ATTEMPT_S: Final = 1.0
"""How long one address may take to accept while others are left to try."""


class Dialer:
    """Opens connections to one origin."""

    def __init__(self, origin: Origin, *, tls: ssl.SSLContext | None, allow_metadata: bool) -> None:
        """`tls` is the context for an https origin, None for http."""
        self._origin = origin
        self._tls = tls
        self._allow_metadata = allow_metadata
        self._literal = _literal(origin)
        self._lookup: asyncio.Task[list[AddressInfo]] | None = None

    async def connect(self, protocol: Callable[[], P]) -> P:
        """Connect, with TLS when the origin asks for it. Raises Fault; cancellation leaves no socket behind."""
        addresses = self._literal or await self._resolve()
        self._check(addresses)
        refused = ConnectionFault(ShadowErrorClass.DNS, f"{self._origin.host} has no address")
        for family, address in addresses:
            last = (family, address) == addresses[-1]
            try:
                async with asyncio.timeout(None if last else ATTEMPT_S):
                    sock = await _open(family, address)
            except OSError as broken:
                refused = _not_connected(self._origin, address[0], broken)
                continue
            return await self._start(protocol, sock)
        raise refused

    async def _resolve(self) -> list[AddressInfo]:
        """Share one lookup among all who wait: a hanging name server costs one thread, not one per request."""
        if self._lookup is None or self._lookup.done():
            self._lookup = asyncio.create_task(_look_up(self._origin))
            self._lookup.add_done_callback(_retrieve)
        return await asyncio.shield(self._lookup)

    def _check(self, addresses: list[AddressInfo]) -> None:
        if self._allow_metadata:
            return
        for _, address in addresses:
            if why := explain_forbidden_address(str(address[0])):
                raise ConnectionFault(ShadowErrorClass.FORBIDDEN, f"{self._origin} must not be called: {why}")

    async def _start(self, protocol: Callable[[], P], sock: socket.socket) -> P:
        """Hand the connected socket to the event loop, which owns and closes it from here on, failed or not."""
        name = self._origin.host if self._tls else None
        try:
            _, started = await asyncio.get_running_loop().create_connection(
                protocol, sock=sock, ssl=self._tls, server_hostname=name
            )
        except (OSError, ValueError) as broken:  # ValueError: a host name that TLS cannot carry
            if self._tls is None:
                raise ConnectionFault(
                    ShadowErrorClass.RESET, f"{self._origin} closed the connection at once"
                ) from broken
            reason = getattr(broken, "verify_message", "") or str(broken) or type(broken).__name__
            raise ConnectionFault(ShadowErrorClass.TLS, f"no TLS with {self._origin}: {reason}") from broken
        return started


async def _look_up(origin: Origin) -> list[AddressInfo]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as broken:
        raise ConnectionFault(ShadowErrorClass.DNS, f"{origin.host} could not be resolved: {broken}") from broken
    return [(family, address) for family, _, _, _, address in found]


def _literal(origin: Origin) -> list[AddressInfo]:
    try:
        found = socket.getaddrinfo(
            origin.host, origin.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except (OSError, UnicodeError):
        return []
    return [(family, address) for family, _, _, _, address in found]


async def _open(family: int, address: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock


def _not_connected(origin: Origin, address: object, broken: OSError) -> ConnectionFault:
    where = f"{origin} ({address})"
    if isinstance(broken, TimeoutError):
        return ConnectionFault(ShadowErrorClass.TIMEOUT, f"{where} did not accept a connection in time")
    if isinstance(broken, ConnectionRefusedError):
        return ConnectionFault(ShadowErrorClass.REFUSED, f"{where} refused the connection")
    return ConnectionFault(ShadowErrorClass.REFUSED, f"{where} cannot be reached: {broken.strerror or broken}")


def _retrieve(lookup: asyncio.Task[list[AddressInfo]]) -> None:
    """Take note of a failed lookup nobody waits for any more, so that asyncio does not log it."""
    if not lookup.cancelled():
        lookup.exception()

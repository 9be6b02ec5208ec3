"""Build the client for one shadow."""

import ssl
from importlib.util import find_spec
from typing import Literal

from darklaunch_shared.launch.origin import Origin

from .connect import Dialer
from .errors import NoFastClient
from .interface import ResponseCaps, ShadowClient, ShadowConnection
from .pool import PooledClient

Kind = Literal["auto", "fast", "httpx"]


def make_client(
    origin: Origin,
    *,
    slots: int,
    caps: ResponseCaps | None = None,
    kind: Kind = "auto",
    allow_metadata: bool = False,
    tls: ssl.SSLContext | None = None,
) -> ShadowClient:
    """Build a client with up to `slots` connections to one shadow.

    `kind` "auto" takes the fast implementation when its wheel is installed, else httpx. `allow_metadata` lets the
    shadow be at link-local and metadata addresses. `tls` replaces the system's trust for an https origin. Raises
    NoFastClient when `kind` is "fast" and httptools is not installed.
    """
    caps = caps or ResponseCaps()
    if kind == "auto":
        kind = "fast" if find_spec("httptools") else "httpx"
    dialer = Dialer(origin, tls=_context(tls) if origin.scheme == "https" else None, allow_metadata=allow_metadata)
    if kind == "httpx":
        return _httpx_client(origin, dialer, slots, caps)
    return _fast_client(dialer, slots, caps)


def _httpx_client(origin: Origin, dialer: Dialer, slots: int, caps: ResponseCaps) -> ShadowClient:
    from .httpx_connection import HttpxConnection
    from .socket_stream import SocketStream

    async def connect() -> ShadowConnection:
        return HttpxConnection(await dialer.connect(SocketStream), origin, caps)

    return PooledClient(connect, slots=slots)


def _fast_client(dialer: Dialer, slots: int, caps: ResponseCaps) -> ShadowClient:
    try:
        from .httptools_connection import HttptoolsConnection
    except ImportError:
        raise NoFastClient('the fast HTTP client needs httptools: install it, or choose "httpx" or "auto"') from None

    async def connect() -> ShadowConnection:
        return await dialer.connect(lambda: HttptoolsConnection(caps))

    return PooledClient(connect, slots=slots)


def _context(given: ssl.SSLContext | None) -> ssl.SSLContext:
    context = given or ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context

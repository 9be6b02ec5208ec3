"""The client for one shadow, in the implementation that is asked for or installed."""

import ssl
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal

from darklaunch_shared.launch.origin import Origin
from darklaunch_shared.launch.tls import TlsFiles, make_tls_context

from .connect import Dialer
from .errors import NoFastClient
from .interface import ResponseCaps, ShadowClient, ShadowConnection
from .pool import PooledClient

ClientKind = Literal["auto", "fast", "httpx"]


def make_client(
    origin: Origin,
    *,
    slots: int,
    caps: ResponseCaps | None = None,
    kind: ClientKind = "auto",
    allow_metadata: bool = False,
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> ShadowClient:
    """Return a client with up to `slots` connections to one shadow.

    `kind` "auto" takes the fast implementation when its wheel is installed, else httpx. `allow_metadata` permits
    link-local and metadata addresses. `tls` returns the context for a connection to an https origin; without it the
    system's authorities are trusted. Raises NoFastClient when `kind` is "fast" and httptools is not installed.
    """
    caps = caps or ResponseCaps()
    if kind == "auto":
        kind = "fast" if find_spec("httptools") else "httpx"
    if origin.scheme != "https":
        tls = None
    elif tls is None:
        tls = _trust_system()
    dialer = Dialer(origin, tls=tls, allow_metadata=allow_metadata)
    if kind == "httpx":
        return _make_httpx_client(origin, dialer, slots, caps)
    return _make_fast_client(dialer, slots, caps)


def _make_httpx_client(origin: Origin, dialer: Dialer, slots: int, caps: ResponseCaps) -> ShadowClient:
    from .httpx_connection import HttpxConnection
    from .socket_stream import SocketStream

    async def connect() -> ShadowConnection:
        return HttpxConnection(await dialer.connect(SocketStream), origin, caps)

    return PooledClient(connect, slots=slots, floor=dialer.floor)


def _make_fast_client(dialer: Dialer, slots: int, caps: ResponseCaps) -> ShadowClient:
    try:
        from .httptools_connection import HttptoolsConnection
    except ImportError:
        raise NoFastClient('the fast HTTP client needs httptools: install it, or choose "httpx" or "auto"') from None

    async def connect() -> ShadowConnection:
        return await dialer.connect(lambda: HttptoolsConnection(caps))

    return PooledClient(connect, slots=slots, floor=dialer.floor)


def _trust_system() -> Callable[[], ssl.SSLContext]:
    context = make_tls_context(TlsFiles())
    return lambda: context

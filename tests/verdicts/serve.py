"""Serve one release of the shop: `python -m tests.verdicts.serve JSON`. The first line of output is its address."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from darklaunch import CaptureMiddleware
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER

from .generator_shop import serve_generator
from .release import Release, ServedRelease
from .shop import Shop, draw

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
BACKLOG = 512


class ResettingApp:
    """An app whose server resets the connections of some requests, without a response.

    It prints `again ID` when an exchange comes again whose connection it has reset.
    """

    def __init__(self, app: App, release: Release) -> None:
        self._app = app
        self._release = release
        self._reset_ids: set[str] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange_id = dict(scope["headers"]).get(EXCHANGE_HEADER.encode(), b"").decode()
            if exchange_id in self._reset_ids:
                print(f"again {exchange_id}", flush=True)
            if self._resets(exchange_id):
                self._reset_ids.add(exchange_id)
                transport = send.__self__.transport  # type: ignore[attr-defined]
                connection: socket.socket = transport.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
                return
        await self._app(scope, receive, send)

    def _resets(self, exchange_id: str) -> bool:
        release = self._release
        is_down = bool(release.flaps_s) and int(time.monotonic() / release.flaps_s) % 2 == 0
        return is_down or draw("reset", exchange_id) < release.resets


def make_app(served: ServedRelease) -> App:
    """Create the app with what lies around it."""
    app: App = Shop(served.release).make_app()
    if served.redis_url:
        app = CaptureMiddleware(app, redis_url=served.redis_url, app_name=served.app_name)
    elif served.has_hook:
        app = CaptureMiddleware(app)
    if served.release.resets or served.release.flaps_s:
        app = ResettingApp(app, served.release)
    return app


def main() -> None:
    """Serve until SIGTERM."""
    served = ServedRelease.load(sys.argv[1])
    logging.basicConfig(level=logging.WARNING)
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    print(f"serving at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    if served.server == "wsgi":
        serve_generator(served, listener)
        return
    config = uvicorn.Config(make_app(served), log_level="warning", access_log=False, backlog=BACKLOG)
    server = uvicorn.Server(config)
    signal.signal(signal.SIGTERM, lambda *_: setattr(server, "should_exit", True))
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main()

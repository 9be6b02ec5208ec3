"""A WSGI app whose body is a generator that takes its time after the last chunk as well, served by waitress."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

import waitress  # type: ignore[import-untyped]
from darklaunch import WSGICaptureMiddleware

from .release import Release, ServedRelease

CHUNK_S = 0.1
THREADS = 24


def make_generator_app(release: Release) -> Any:
    """Create an app that sends four chunks and waits after each of them."""

    def app(_environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        for _ in range(4):
            yield b"*"
            time.sleep(CHUNK_S * release.factor)

    return app


def serve_generator(served: ServedRelease, listener: socket.socket) -> None:
    """Serve until SIGTERM."""
    app = make_generator_app(served.release)
    if served.redis_url:
        app = WSGICaptureMiddleware(app, redis_url=served.redis_url, app_name=served.app_name)
    elif served.has_hook:
        app = WSGICaptureMiddleware(app)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    waitress.serve(app, sockets=[listener], threads=THREADS, _quiet=True)

"""Calling a WSGI app the way a server does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from wsgiref.util import setup_testing_defaults

from darklaunch.wsgi import StartResponse, WSGIApp

PLAIN = [("Content-Type", "text/plain")]


def environ_of(target: str = "/", method: str = "GET", body: bytes = b"", **more: Any) -> dict[str, Any]:
    """Return the environ of a request, as gunicorn would build it."""
    path, _, query = target.partition("?")
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": target}
    if body:
        environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/octet-stream"}
    setup_testing_defaults(environ)
    return {**environ, "wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "shop.example", **more}


def call(
    app: WSGIApp, environ: dict[str, Any] | None = None, *, until: int | None = None
) -> tuple[list[Any], list[bytes], RuntimeError | None]:
    """Do what a server does: call, iterate, close. Return [status, headers], the chunks, and what the app raised.

    `until` is the number of chunks after which the server stops.
    """
    started: list[Any] = []
    chunks: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started[:] = [status, list(headers)]
        return chunks.append

    result = app(environ or environ_of(), start_response)
    error: RuntimeError | None = None
    try:
        for chunk in result:
            chunks.append(chunk)
            if len(chunks) == until:
                break
    except RuntimeError as raised:
        error = raised
    if hasattr(result, "close"):
        result.close()
    return started, chunks, error


def ignore_start(*_: Any) -> Callable[[bytes], Any]:
    """A server's start_response that nothing is read from."""
    return lambda _: None


def answering(
    *chunks: bytes,
    status: str = "200 OK",
    headers: list[tuple[str, str]] = PLAIN,
    wrap: Callable[[tuple[bytes, ...]], Any] = iter,
    read: bool = True,
) -> WSGIApp:
    """Return an app that reads the request, then responds with these chunks, wrapped in a list, an iterator, …"""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Any:
        if read:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, list(headers))
        return wrap(chunks)

    return app

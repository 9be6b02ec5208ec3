"""Calling a WSGI app the way a server does."""

from __future__ import annotations

import io
from wsgiref.util import setup_testing_defaults

PLAIN = [("Content-Type", "text/plain")]


def environ_of(target="/", method="GET", body=b"", **more):
    path, _, query = target.partition("?")
    environ = {"REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query, "RAW_URI": target}
    if body:
        environ |= {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/octet-stream"}
    setup_testing_defaults(environ)
    return {**environ, "wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "shop.example", **more}


def call(app, environ=None, *, until=None):
    """Do what a server does: call, iterate, close. Return [status, headers], the chunks, and the error on the way."""
    started, chunks = [], []

    def start_response(status, headers, exc_info=None):
        started[:] = [status, list(headers)]
        return chunks.append

    result = app(environ or environ_of(), start_response)
    error = None
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


def answering(*chunks, status="200 OK", headers=PLAIN, wrap=iter, read=True):
    def app(environ, start_response):
        if read:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(status, list(headers))
        return wrap(chunks)

    return app

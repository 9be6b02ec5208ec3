"""A Flask app for real servers; a request with the header X-Bare gets it without the hook."""

import os
import time
from pathlib import Path
from typing import Any

from darklaunch import WSGICaptureMiddleware
from flask import Flask, Response, request, send_file

app = Flask("shop")
bare = app.wsgi_app
hooked = WSGICaptureMiddleware(bare)


def _choose_app(environ: dict[str, Any], start_response: Any) -> Any:
    return (bare if "HTTP_X_BARE" in environ else hooked)(environ, start_response)


app.wsgi_app = _choose_app  # type: ignore[method-assign] # as Flask's documentation does


@app.get("/orders/<int:id>")
def order(id):
    response = app.json.response({"id": id, "lines": ["é"]})
    response.set_cookie("session", "s3cr3t", httponly=True)
    return response


@app.get("/pid")
def pid():
    return str(os.getpid())


@app.post("/quote")
def quote():
    return Response(request.get_data(), headers={"X-Echo": "1"})


@app.get("/large")
def large():
    return Response(bytes(300_000))


@app.get("/file")
def file():
    return send_file(__file__, etag=False, last_modified=None)


@app.get("/fails")
def fails():
    raise RuntimeError("planted")


@app.get("/fails-late")
def fails_late():
    def chunks():
        yield b"half"
        raise RuntimeError("planted")

    return Response(chunks())


@app.get("/empty")
def empty():
    return "", 204


@app.get("/drip/<path:gate>")
def drip(gate):
    """Send one chunk, then wait until the file exists before the next."""

    def chunks():
        yield b"one "
        give_up = time.monotonic() + 60
        while not Path("/", gate).exists() and time.monotonic() < give_up:
            time.sleep(0.01)
        yield b"two"

    return Response(chunks(), content_type="text/plain")

"""Two apps for real servers that write their own address as browsers, scripts and queries want it."""

import json
from typing import Any
from urllib.parse import quote

from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from fastapi import FastAPI, Request
from fastapi import Response as ApiResponse
from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix


def write_page(url: str, host: str) -> str:
    """Return a page with an address in every spelling."""
    socket = url.replace("http", "ws", 1)
    config = json.dumps({"api": f"{url}/api", "socket": f"{socket}/live"}).replace("/", "\\/")
    return f"""<!doctype html><title>{host}</title><link rel=canonical href="{url}/page">
<link rel=stylesheet href="//{host}/app.css"><a href="/login?next={quote(url, safe="")}%2Fpage">Log in</a>
<a href="/login?next={quote(url)}/page">Log in</a><p>This is {host}.</p><script>var config = {config};</script>"""


def write_document(url: str, host: str) -> dict[str, str]:
    """Return a document with an address in every spelling."""
    socket = url.replace("http", "ws", 1)
    return {"self": f"{url}/orders/7", "live": f"{socket}/live", "host": host, "page": write_page(url, host)}


app = FastAPI()
app.add_middleware(CaptureMiddleware)


@app.get("/page")
def page(request: Request) -> ApiResponse:
    url = str(request.base_url).rstrip("/")
    return ApiResponse(write_page(url, request.url.netloc), headers={"content-type": "text/html"})


@app.get("/orders/7")
def order(request: Request) -> dict[str, str]:
    return write_document(str(request.base_url).rstrip("/"), request.url.netloc)


@app.get("/old")
def old(request: Request) -> ApiResponse:
    return ApiResponse("", 302, {"location": f"{request.base_url}page"})


flask_app = Flask("shop")


@flask_app.get("/page")
def flask_page() -> Response:
    return Response(write_page(request.host_url.rstrip("/"), request.host), content_type="text/html")


@flask_app.get("/orders/7")
def flask_order() -> dict[str, str]:
    return write_document(request.host_url.rstrip("/"), request.host)


@flask_app.get("/old")
def flask_old() -> Response:
    return Response("", 302, {"location": f"{request.host_url}page"})


wsgi: Any = WSGICaptureMiddleware(ProxyFix(flask_app.wsgi_app, x_proto=1, x_host=1))
"""The hook outside of ProxyFix: it sees http, the app https."""

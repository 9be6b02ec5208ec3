"""The route table of an app: the same names that its requests get, whatever wraps it."""

from __future__ import annotations

import functools
import subprocess
import sys

from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.routes.route_table import read_routes
from fastapi import FastAPI, WebSocket
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Host, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from .test_endpoint import fastapi_app, flask_app, starlette_app, view

FASTAPI = {
    ("GET", "/orders/{id}"),
    ("GET", "/v1/items/{item_id}"),
    ("GET", "/v1/deep/{x}"),
    ("GET", "/sub/{y}"),
    ("GET", "/plain/{p}"),
    ("*", "/legacy/{path}"),
}
STARLETTE = {("GET", "/orders/{id}"), ("GET", "/m/{x}"), ("GET", "/m/{tenant}/z/{zid}"), ("*", "/files/{path}")}
FLASK = {("GET", "/orders/{id}"), ("GET", "/files/{name}/{kind}"), ("GET", "/v1/{who}")}


def listed(app: object) -> set[tuple[str, str]]:
    table = read_routes(app)
    assert table is not None
    assert len(table[1]) == len(set(table[1]))
    return set(table[1])


def test_routes_are_those_that_requests_are_counted_under() -> None:
    """Of FastAPI and Starlette, as in `test_routes`; FastAPI's own pages are not the app's."""
    found = read_routes(fastapi_app())
    assert found is not None
    assert found[0] == "fastapi"
    assert listed(CaptureMiddleware(fastapi_app())) == FASTAPI
    assert listed(CaptureMiddleware(GZipMiddleware(starlette_app()))) == STARLETTE


def test_a_hook_within_the_app_sees_its_routes() -> None:
    app = Starlette(
        routes=[Route("/a", view, methods=["POST", "GET"]), Host("api.example", Starlette(routes=[Route("/b", view)]))],
        middleware=[Middleware(CaptureMiddleware), Middleware(CORSMiddleware)],
    )
    hook = getattr(app.build_middleware_stack(), "app", None)
    assert isinstance(hook, CaptureMiddleware)
    assert listed(hook) == {("GET", "/a"), ("POST", "/a"), ("GET", "/b")}


def test_flask_routes_and_what_is_mounted_beside() -> None:
    app = flask_app()
    app.add_url_rule("/options", view_func=lambda: "", endpoint="o", methods=["OPTIONS"])
    app.wsgi_app = ProxyFix(WSGICaptureMiddleware(app.wsgi_app))
    assert listed(app.wsgi_app.app) == FLASK | {("OPTIONS", "/options")}
    root = DispatcherMiddleware(Flask("root"), {"/shop": flask_app()})
    assert listed(WSGICaptureMiddleware(root)) == {(method, f"/shop{path}") for method, path in FLASK}


def test_websockets_are_no_routes() -> None:
    app = FastAPI()

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.close()

    assert listed(app) == set()


def test_apps_without_a_table_have_none() -> None:
    class Deep:
        def __init__(self, app) -> None:
            self.app = app

    circle = Deep(None)
    circle.app = Deep(circle)
    for app in (None, 7, "app", print, lambda environ, start: [], functools.partial(print), circle, object()):
        assert read_routes(app) is None


def test_an_app_that_mounts_itself_is_listed_and_ends() -> None:
    app = Starlette(routes=[Route("/a", view)])
    app.mount("/again", app)
    found = read_routes(app)
    assert found is not None
    assert ("GET", "/again/a") in found[1]


def test_django_routes_are_listed_once_its_urlconf_was_loaded() -> None:
    """In a process of its own: Django's settings are global."""
    program = """
from darklaunch import WSGICaptureMiddleware
from darklaunch.routes.route_table import read_routes
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path, re_path
from django.views import View
from tests.support.wsgi import call, environ_of
settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
view = lambda request, **_: HttpResponse("ok")
class Cart(View):
    def get(self, request): return HttpResponse("ok")
    def delete(self, request): return HttpResponse("ok")
urlpatterns = [path("orders/<int:id>/", view), path("cart", Cart.as_view()),
    path("v1/", include([re_path(r"^(?P<who>[a-z]+)/$", view)]))]
app = WSGICaptureMiddleware(get_wsgi_application())
print(read_routes(app))
call(app, environ_of("/orders/7/"))
print(*(f"{method} {path}" for method, path in read_routes(app)[1]), sep="|")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == ["None", "* /orders/{id}/|DELETE /cart|GET /cart|* /v1/{who}/"], run.stderr

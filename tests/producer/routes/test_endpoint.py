"""The endpoint of an exchange: what the framework calls the route, or what its paths look like."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.routes.url_patterns import convert_django_pattern
from darklaunch.testing import captured
from fastapi import APIRouter, FastAPI
from flask import Blueprint, Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.asgi import Server, answering, body, get, scope_of, start
from tests.support.wsgi import call, environ_of


async def view(request):
    return PlainTextResponse("ok")


async def other(request):
    return PlainTextResponse("ok")


def fastapi_app():
    app, router, deeper, sub = FastAPI(), APIRouter(prefix="/v1"), APIRouter(prefix="/deep"), FastAPI()

    @app.get("/orders/{id}")
    @router.get("/items/{item_id:path}")
    @deeper.get("/{x}")
    @sub.get("/{y}")
    def answer():
        return {}

    router.include_router(deeper)
    app.include_router(router)
    app.mount("/sub", sub)
    app.router.routes.append(Route("/plain/{p}", view))
    app.router.routes.append(Mount("/legacy", cast(Any, other)))
    return app


def starlette_app():
    tenant = Starlette(routes=[Route("/z/{zid:int}", view)])
    return Starlette(
        routes=[
            Route("/orders/{id:int}", view),
            Mount("/m", routes=[Route("/{x}", view, methods=["GET"]), Mount("/{tenant}", tenant)]),
            Mount("/files", PlainTextResponse("file")),
        ]
    )


@pytest.mark.parametrize("placed", ["inside", "around"])
@pytest.mark.parametrize(
    ("make", "target", "endpoint"),
    [
        (fastapi_app, "/orders/7?x=1", "GET /orders/{id}"),
        (fastapi_app, "/v1/items/a/b/c", "GET /v1/items/{item_id}"),
        (fastapi_app, "/v1/deep/7", "GET /v1/deep/{x}"),
        (fastapi_app, "/sub/7", "GET /sub/{y}"),
        (fastapi_app, "/plain/7", "GET /plain/{p}"),
        (fastapi_app, "/nothing/here", "GET {unmatched}"),
        (starlette_app, "/orders/7", "GET /orders/{id}"),
        (starlette_app, "/m/7", "GET /m/{x}"),
        (starlette_app, "/m/acme/z/9", "GET /m/{tenant}/z/{zid}"),
        (starlette_app, "/files/a/b.css", "GET /files/{path}"),
        (starlette_app, "/wp-login.php", "GET {unmatched}"),
    ],
)
def test_starlette_and_fastapi_routes(make, target, endpoint, placed) -> None:
    app = make()
    if placed == "inside":
        app.add_middleware(CaptureMiddleware)
    else:
        app = CaptureMiddleware(app)
    with captured() as seen:
        Server().run(app, scope_of(target))
    assert [exchange.endpoint for exchange in seen.exchanges] == [endpoint]


def test_a_route_that_is_not_named_is_found_by_its_endpoint() -> None:
    """Older Starlette leaves only the endpoint in the scope."""
    routes = [Route("/a/{id}", view), Route("/b/{id}", other)]

    async def app(scope, receive, send) -> None:
        scope.update(router=object(), app=Starlette(routes=routes), endpoint=other, path_params={"id": "7"})
        await answering(start(), body(b""))(scope, receive, send)

    with captured() as seen:
        Server().run(CaptureMiddleware(app), scope_of("/b/7"))
    assert seen.exchanges[0].endpoint == "GET /b/{id}"


def flask_app():
    app, blueprint = Flask("shop"), Blueprint("v1", "v1", url_prefix="/v1")
    app.add_url_rule("/orders/<int:id>", view_func=lambda id: "order", endpoint="order")
    app.add_url_rule("/files/<path:name>/<any(a, b):kind>", view_func=lambda name, kind: "file", endpoint="file")
    blueprint.add_url_rule("/<uuid:who>", view_func=lambda who: "user", endpoint="user")
    app.register_blueprint(blueprint)
    return app


@pytest.mark.parametrize(
    ("target", "endpoint"),
    [
        ("/orders/7", "GET /orders/{id}"),
        ("/files/x/y/a", "GET /files/{name}/{kind}"),
        ("/v1/550e8400-e29b-41d4-a716-446655440000", "GET /v1/{who}"),
        ("/nothing", "GET {unmatched}"),
    ],
)
def test_flask_routes(target, endpoint) -> None:
    app = flask_app()
    app.wsgi_app = WSGICaptureMiddleware(app.wsgi_app)
    with captured() as seen:
        call(app, environ_of(target))
    assert seen.exchanges[0].endpoint == endpoint


def test_a_mounted_flask_app_keeps_its_prefix() -> None:
    app = WSGICaptureMiddleware(DispatcherMiddleware(Flask("root"), {"/shop": flask_app()}))
    with captured() as seen:
        call(app, environ_of("/shop/orders/7"))
    assert seen.exchanges[0].endpoint == "GET /shop/orders/{id}"


@pytest.mark.parametrize(
    ("pattern", "template"),
    [
        ("orders/<int:id>/", "/orders/{id}/"),
        ("<slug:a>/<b>", "/{a}/{b}"),
        ("^orders/(?P<id>[0-9]+)/$", "/orders/{id}/"),
        (r"^(\d{4})/(?P<m>(a|b)\))\.html$", "/{id}/{m}.html"),
        (r"api/^v1/(?:old/)?x\Z", "/api/v1/x"),
        ("", "/"),
    ],
)
def test_django_patterns(pattern, template) -> None:
    assert convert_django_pattern(pattern) == template


def test_django_routes_are_asked_of_its_urlconf() -> None:
    """In a process of its own: Django's settings are global."""
    program = """
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.testing import captured
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path, re_path
from tests.support.asgi import Server, scope_of
from tests.support.wsgi import call, environ_of
settings.configure(ROOT_URLCONF="__main__", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
view = lambda request, **_: HttpResponse("ok")
urlpatterns = [path("orders/<int:id>/", view), path("v1/", include([re_path(r"^(?P<who>[a-z]+)/$", view)]))]
targets = ("/orders/7/", "/v1/bob/", "/nothing/")
for app in (WSGICaptureMiddleware(get_wsgi_application()), CaptureMiddleware(get_asgi_application())):
    with captured() as seen:
        for target in targets:
            if isinstance(app, CaptureMiddleware):
                Server().run(app, scope_of(target))
            else:
                call(app, environ_of(target))
    print(*(exchange.endpoint for exchange in seen.exchanges), sep="|")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == ["GET /orders/{id}/|GET /v1/{who}/|GET {unmatched}"] * 2, run.stderr


RESPONSE = (start(200, (b"content-type", b"text/plain")), body(b"hello"))


def test_what_a_framework_left_that_we_do_not_know_costs_only_the_routes_name() -> None:
    async def app(scope, receive, send) -> None:
        scope.update(router=object(), path_params=7, fastapi="mine", root_path="/x", route=object())
        await answering(*RESPONSE)(scope, receive, send)

    with captured() as seen:
        get(CaptureMiddleware(app), "/orders/7")
    assert seen.exchanges[0].endpoint == "GET /orders/{id}"

"""A wrong way of adding the hook is one line in the log, and never an exception in the app."""

from __future__ import annotations

import http.client
import logging
from contextlib import closing

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware, install_hook
from darklaunch.choose_hook import detect_interface
from darklaunch.testing import captured
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.asgi import get
from tests.support.frameworks.native_apps import NATIVE, listening
from tests.support.hook import eventually
from tests.support.wsgi import call, environ_of


@pytest.fixture
def lines(caplog):
    """The hook's log lines, without the one about a missing Redis."""
    caplog.set_level(logging.INFO, "darklaunch")

    def list_lines():
        return [record.getMessage() for record in caplog.records if "captures nothing" not in record.getMessage()]

    return list_lines


def create_flask_app():
    app = Flask("shop")
    app.add_url_rule("/orders/<int:id>", "order", lambda id: {"id": id})
    return app


def create_starlette_app():
    return Starlette(routes=[Route("/orders/{id}", lambda request: PlainTextResponse("order"))])


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("middleware", [CaptureMiddleware, WSGICaptureMiddleware])
def test_middleware_around_an_app_that_has_a_server_of_its_own_is_installed_as_it_should_be(
    name, middleware, lines
) -> None:
    app = NATIVE[name][0]()
    assert middleware(app) is app
    (line,) = lines()
    assert f"for {name} write install_hook(app), as is done now" in line
    with captured() as seen, listening(name, app) as address:
        with closing(http.client.HTTPConnection(*address, timeout=60)) as connection:
            connection.request("GET", "/orders/7")
            assert connection.getresponse().status == 200
        assert [each.endpoint for each in eventually(lambda: seen.exchanges)] == ["GET /orders/{id}"]


def test_the_asgi_hook_around_a_wsgi_app_becomes_the_wsgi_hook(lines) -> None:
    app = create_flask_app()
    app.wsgi_app = CaptureMiddleware(app.wsgi_app)
    (line,) = lines()
    assert "Flask.wsgi_app is one of WSGI: write WSGICaptureMiddleware(app), as is done now" in line
    with captured() as seen:
        assert call(app, environ_of("/orders/7"))[0][0] == "200 OK"
    assert [each.endpoint for each in seen.exchanges] == ["GET /orders/{id}"]


def test_the_wsgi_hook_around_an_asgi_app_becomes_the_asgi_hook(lines) -> None:
    app = create_starlette_app()
    app.add_middleware(WSGICaptureMiddleware)
    with captured() as seen:
        assert get(app, "/orders/7")[0]["status"] == 200
    assert [each.endpoint for each in seen.exchanges] == ["GET /orders/{id}"]
    (line,) = lines()
    assert "is one of ASGI: write CaptureMiddleware(app), as is done now" in line


@pytest.mark.parametrize("middleware", [CaptureMiddleware, WSGICaptureMiddleware])
def test_the_hook_in_djangos_list_of_middleware_changes_nothing_and_says_where_it_belongs(middleware, lines) -> None:
    def get_response(request):
        return f"order for {request}"

    assert middleware(get_response)("request") == "order for request"
    (line,) = lines()
    assert line.startswith("darklaunch is off: ")
    assert "wrap `application` in wsgi.py or asgi.py, and not in MIDDLEWARE" in line


@pytest.mark.parametrize("app", [None, "shop.main:app", 7])
def test_what_is_no_app_at_all_stays_what_it_is(app, lines) -> None:
    assert CaptureMiddleware(app) is app
    assert install_hook(app) is app
    assert len(lines()) == 2


@pytest.mark.parametrize("create", [create_flask_app, create_starlette_app])
def test_install_hook_names_the_middleware_for_other_apps(create, lines) -> None:
    app = create()
    assert install_hook(app) is app
    (line,) = lines()
    assert "CaptureMiddleware(app)" in line


def test_an_app_may_go_by_the_name_that_the_hook_took() -> None:
    """As in `app = CaptureMiddleware(FastAPI())`, with the routes below it."""
    app = CaptureMiddleware(create_starlette_app())
    app.add_route("/late", lambda request: PlainTextResponse("late"))
    with captured() as seen:
        assert get(app, "/late")[0]["status"] == 200
    assert [each.endpoint for each in seen.exchanges] == ["GET /late"]
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = app.nothing_of_the_kind


async def asgi_app(scope, receive, send): ...
def asgi_two(scope): ...  # fmt: skip
def wsgi_app(environ, start_response): ...  # fmt: skip
def anything(*args, **named): ...  # fmt: skip
async def with_options(scope, receive, send, debug=False): ...  # fmt: skip


@pytest.mark.parametrize(
    ("app", "interface"),
    [(asgi_app, "asgi"), (wsgi_app, "wsgi"), (with_options, "asgi"), (anything, ""), (asgi_two, "none"),
     (Flask("x"), "wsgi"), (Starlette(), "asgi"), (dict, "")],
)  # fmt: skip
def test_the_interface_is_known_by_the_number_of_arguments_and_unknown_where_it_takes_any(app, interface) -> None:
    assert detect_interface(app) == interface

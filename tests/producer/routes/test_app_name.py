"""The name of an app: the option, what its framework calls it, or the program."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from darklaunch import CaptureMiddleware, WSGICaptureMiddleware
from darklaunch.routes.app_name import AppName, find_framework_name, find_program_name
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware

from tests.support.asgi import answering, body, get, start


async def start_and_stop(app: FastAPI) -> None:
    """Send an app what a server sends before the first request and after the last."""
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(events)

    async def send(message) -> None:
        assert message["type"].endswith(".complete")

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)


def test_the_option_wins_over_the_framework() -> None:
    hook = CaptureMiddleware(FastAPI(title="Shop"))
    assert AppName(" desk ", lambda: [hook]).find() == "desk"
    assert AppName("", lambda: [hook]).find() == "Shop"


def test_a_fastapi_app_has_its_title_around_the_hook_or_within_it() -> None:
    app = FastAPI(title="Shop")
    assert find_framework_name(CaptureMiddleware(GZipMiddleware(app))) == "Shop"
    hooks = []

    class Noted(CaptureMiddleware):
        def __init__(self, app):
            super().__init__(app)
            hooks.append(self)

    app.add_middleware(Noted)
    asyncio.run(start_and_stop(app))
    (hook,) = hooks
    assert find_framework_name(hook) == "Shop"


def test_an_app_within_which_no_lifespan_runs_has_its_title_with_the_first_request(valkey) -> None:
    app = FastAPI(title="Shop")
    hooks = []

    class Noted(CaptureMiddleware):
        def __init__(self, app):
            super().__init__(app, redis_url=valkey.url)
            hooks.append(self)

    app.add_middleware(Noted)
    get(app)
    (hook,) = hooks
    try:
        assert find_framework_name(hook) == "Shop"
    finally:
        hook._recorder.stop(for_good=True)


def test_a_flask_app_has_the_name_it_is_imported_by() -> None:
    app = Flask("shop.app")
    assert find_framework_name(WSGICaptureMiddleware(app.wsgi_app)) == "shop"
    assert find_framework_name(WSGICaptureMiddleware(Flask("app").wsgi_app)) == ""


def test_apps_without_a_name_of_their_own_have_the_programs() -> None:
    for app in (FastAPI(), Starlette(), answering(start(), body(b"ok"))):
        assert find_framework_name(CaptureMiddleware(app)) == ""
    expected = find_program_name(sys.argv, os.environ.get("PWD", ""))
    assert AppName("", lambda: [CaptureMiddleware(Starlette())]).find() == expected


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/venv/bin/uvicorn shop.main:app --port 80", "shop"),
        ("/usr/lib/python3/site-packages/uvicorn/__main__.py catalog:app", "catalog"),
        ("gunicorn --bind 0.0.0.0:80 -w 4 config.wsgi:application", "webshop"),
        ("gunicorn main:app", "webshop"),
        ("shop.py", "shop"),
        ("/usr/lib/python3/site-packages/shop/__main__.py", "shop"),
        ("/srv/webshop/manage.py runserver", "webshop"),
    ],
)
def test_the_program_is_the_module_that_a_server_serves(command, name) -> None:
    assert find_program_name(command.split(), "/srv/webshop") == name


def test_a_name_that_nearly_every_app_has_is_better_than_none() -> None:
    assert find_program_name(["uvicorn", "main:app"], "/app") == "main"


@pytest.mark.parametrize(("module", "name"), [("shop.settings.prod", "shop"), ("config.settings", "shopfront")])
def test_django_has_the_name_of_its_settings_or_its_urls(module, name) -> None:
    program = f"""
import sys, types
for name in {[".".join(module.split(".")[: n + 1]) for n in range(len(module.split(".")))]}:
    sys.modules[name] = types.ModuleType(name)
sys.modules["{module}"].ROOT_URLCONF = "shopfront.urls"
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "{module}"
from darklaunch import WSGICaptureMiddleware
from darklaunch.routes.app_name import find_framework_name
from django.core.wsgi import get_wsgi_application
print(find_framework_name(WSGICaptureMiddleware(get_wsgi_application())))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == name, run.stderr

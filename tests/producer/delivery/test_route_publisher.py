"""Publishing an app's routes."""

from __future__ import annotations

import json

import pytest
from darklaunch_shared import keys
from darklaunch_shared.redis.client import connect
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.route_table import MOST_TABLES

from tests.support.hook import eventually, gunicorn, serving, uvicorn


def published(url: str) -> list[dict[str, object]]:
    stored = pair_fields(connect(url, client_name="darklaunch-test").execute_command("HGETALL", keys.ROUTES))
    return [json.loads(raw.partition(b" ")[2]) for raw in stored.values()]


@pytest.mark.parametrize(
    ("command", "request_first", "framework", "route"),
    [
        (uvicorn("asgi_app:hooked"), False, "fastapi", ["GET", "/orders/{id}"]),
        (gunicorn("flask_app:app"), True, "flask", ["GET", "/orders/{id}"]),
        (gunicorn("django_app:application"), True, "django", ["*", "/orders/{id}/"]),
    ],
    ids=["fastapi", "flask", "django"],
)
def test_a_server_publishes_its_apps_routes(valkey, tmp_path, command, request_first, framework, route) -> None:
    env = {"DARKLAUNCH_REDIS_URL": valkey.url, "DARKLAUNCH_APP_NAME": "shop"}
    with serving(command, tmp_path / "log", env) as served:
        if request_first:
            served.get("/orders/7/")
        (table,) = eventually(lambda: published(valkey.url)) or [{}]
    assert (table["app"], table["framework"]) == ("shop", framework), served.log()
    assert route in table["routes"]


def test_a_registry_that_is_full_is_left_alone(valkey, tmp_path) -> None:
    redis = connect(valkey.url, client_name="darklaunch-test")
    for number in range(MOST_TABLES):
        redis.execute_command("HSET", keys.ROUTES, f"other:{number}", "1 {}")
    env = {"DARKLAUNCH_REDIS_URL": valkey.url}
    with serving(uvicorn("flag_app:app"), tmp_path / "log", env) as served:
        eventually(lambda: redis.execute_command("HLEN", keys.HOOKS))
        served.get("/")
    assert redis.execute_command("HLEN", keys.ROUTES) == MOST_TABLES

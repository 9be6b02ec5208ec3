"""Three real apps on one Redis, and a launch for one of them: the others are not mirrored."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import UNDECIDED_APP
from darklaunch_shared.wire.fields import pair_fields

from tests.support.hook import Launch, Served, eventually, gunicorn, serving, uvicorn

SERVERS = {"asgi_app": uvicorn("asgi_app:app"), "django_app": gunicorn("django_app"), "shop": gunicorn("flask_app:app")}


@contextlib.contextmanager
def three_apps(redis_url: str, folder: Path) -> Generator[dict[str, Served]]:
    """Run a FastAPI, a Django and a Flask app, none of which is told its name."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(serving(command, folder / name, {"DARKLAUNCH_REDIS_URL": redis_url}))
            for name, command in SERVERS.items()
        }


def read_apps(launch: Launch) -> dict[str, list[str]]:
    stored = pair_fields(launch.redis.execute_command("HGETALL", keys.HOOKS))
    about = [json.loads(record.partition(b" ")[2]) for record in stored.values()]
    return {str(process["app"]): process["launches"] for process in about}


def test_a_launch_mirrors_one_app_and_no_other_on_the_same_redis(valkey, tmp_path) -> None:
    launch = Launch(valkey.url, "shop-v2").publish(app="shop")
    undecided = Launch(valkey.url, "any-v2").publish(app=UNDECIDED_APP)
    with three_apps(valkey.url, tmp_path) as apps:
        for served in apps.values():
            served.get("/orders/1")  # what starts a hook under gunicorn
        assert eventually(lambda: set(read_apps(launch)) == set(SERVERS)), read_apps(launch)
        assert eventually(lambda: read_apps(launch)["shop"] == ["shop-v2"]), read_apps(launch)
        for n in range(20):
            for served in apps.values():
                served.get(f"/orders/{n}")
        assert eventually(lambda: len(launch.exchanges()) >= 20)
        assert read_apps(launch) == {"shop": ["shop-v2"], "asgi_app": [], "django_app": []}
        for served in apps.values():
            served.stop()
    assert len(launch.counters()) == 1, "only the one app's process counts for the launch"
    assert undecided.exchanges() == []
    assert undecided.counters() == []

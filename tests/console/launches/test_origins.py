"""The primary's own address is refused as shadow and as baseline, before its first exchange was captured."""

from __future__ import annotations

import contextlib
import http.client
from pathlib import Path

import pytest
from darklaunch_console.embedded import Valkey, embedded_valkey
from darklaunch_shared.wire.http_headers import EXCHANGE_HEADER, PROBE_ANSWER_HEADER, PROBE_HEADER

from tests.support.cli import Cli, http_server
from tests.support.hook import Served, gunicorn, serving, uvicorn

SERVERS = {"asgi": uvicorn("asgi_app:app"), "wsgi": gunicorn("flask_app:app")}


@pytest.fixture
def alone(cli: Cli, own_valkey: Valkey, own_postgres_dsn: str) -> Cli:
    return Cli(own_valkey.url, own_postgres_dsn, cli.home)


def url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}"


@pytest.mark.parametrize("interface", SERVERS)
def test_the_primary_is_refused_before_anything_was_captured(
    alone: Cli, launch_name: str, tmp_path: Path, interface: str
) -> None:
    env = {"DARKLAUNCH_REDIS_URL": str(alone.redis_url)}
    with serving(SERVERS[interface], tmp_path / "log", env) as primary, http_server() as shadow:
        primary.get("/pid")  # it listens before its worker has started, and `start` waits 5 s for an answer
        line = alone.error("start", launch_name, "--shadow", url(primary), code=1)
        assert line == (
            f"Error: the shadow {url(primary)} is the primary itself: its hook captures into this Redis. Name the "
            "address of the version under test; if it is that, start it without DARKLAUNCH_REDIS_URL."
        )
        line = alone.error("start", launch_name, "--shadow", shadow.url, "--control", url(primary), code=1)
        assert f"the control {url(primary)} is the primary itself: its hook captures into this Redis." in line
        assert alone.json("start", launch_name, "--shadow", shadow.url)["changed"] is True


def test_a_shadow_whose_hook_captures_nothing_or_elsewhere_is_taken(
    alone: Cli, launch_name: str, tmp_path: Path
) -> None:
    with serving(SERVERS["asgi"], tmp_path / "one", {}) as shadow:
        started = alone.json("start", launch_name, "--shadow", url(shadow))
        assert (started["shadow_answers"], started["shadow_has_hook"]) == (True, True)
    # Not the shared Redis: tests of `start` there would see the app.
    with (
        embedded_valkey() as another,
        serving(SERVERS["asgi"], tmp_path / "two", {"DARKLAUNCH_REDIS_URL": another.url}) as elsewhere,
    ):
        assert alone.json("start", f"{launch_name}-2", "--shadow", url(elsewhere))["shadow_has_hook"] is True


def test_the_hook_names_its_producer_to_a_probe_alone(own_valkey: Valkey, tmp_path: Path) -> None:
    nonce = "0123456789abcdef"
    with serving(SERVERS["asgi"], tmp_path / "log", {"DARKLAUNCH_REDIS_URL": own_valkey.url}) as primary:

        def ask(**headers: str) -> str | None:
            connection = http.client.HTTPConnection("127.0.0.1", primary.port, timeout=20)
            fields = {name.replace("_", "-"): text for name, text in headers.items()}
            with contextlib.closing(connection):
                connection.request("GET", "/orders/1", headers=fields)
                return connection.getresponse().getheader(PROBE_ANSWER_HEADER)

        mark, probe = EXCHANGE_HEADER.replace("-", "_"), PROBE_HEADER.replace("-", "_")
        answer = ask(**{mark: "probe:0", probe: nonce})
        assert answer is not None and answer.startswith(f"{nonce} ")
        assert ask() is None
        assert ask(**{probe: nonce}) is None, "only what is marked as a replay is looked at"
        assert ask(**{mark: "a:1"}) is None
        assert ask(**{mark: "probe:0", probe: "not a nonce"}) is None

"""The hook as a guest in each WSGI server: the app can do with the server's objects what it can without the hook."""

from __future__ import annotations

import re
import shutil

import pytest

from tests.support.apps.wsgi_app import FILE, PAUSE_S, PIECES, READS
from tests.support.hook import BIN, Launch, eventually, gunicorn, own_redis, serving

pytestmark = pytest.mark.xdist_group("wsgi servers")

WAITRESS = [str(BIN / "waitress-serve"), "--listen=127.0.0.1:{port}", "--threads=4", "wsgi_app:app"]
UWSGI = [
    *(str(BIN / "uwsgi"), "--http-socket=127.0.0.1:{port}", "--module=wsgi_app:app", "--pythonpath=."),
    *("--enable-threads", "--threads=4", "--master", "--die-on-term", "--post-buffering=4096"),
]
SERVERS = {"gunicorn": gunicorn("wsgi_app:app", "--threads", "4"), "waitress": WAITRESS, "uwsgi": UWSGI}
BODY = b"one\ntwo\nthree\n"


@pytest.fixture(scope="module", params=SERVERS)
def guest(request, tmp_path_factory):
    """A server with the app, and the launch that samples it."""
    command = SERVERS[request.param]
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    with own_redis() as url:
        launch = Launch(url, "guest").publish(allow=("POST /**",))
        env = {"DARKLAUNCH_REDIS_URL": url, "DARKLAUNCH_APP_NAME": "shop"}
        with serving(command, tmp_path_factory.mktemp("guest") / "log", env) as served:
            served.get("/read", method="POST", body=b"x")
            assert eventually(launch.hooks, 20), served.log()
            yield served, launch


@pytest.fixture
def served(guest):
    return guest[0]


@pytest.fixture
def launch(guest):
    return guest[1]


def read_body(response: bytes) -> bytes:
    return response.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("path", READS)
def test_what_the_servers_input_can_it_can_behind_the_hook_and_the_request_is_captured_once(
    served, launch, path
) -> None:
    bare = served.get(path, "X-Bare: 1", method="POST", body=BODY)
    hooked = served.get(f"{path}?hooked", method="POST", body=BODY)
    assert read_body(hooked) == read_body(bare) != b""
    assert b" 200 OK\r\n" in hooked
    if b"Error" in read_body(bare):
        return  # it cannot, with the hook or without
    (exchange,) = eventually(
        lambda: [exchange for exchange in launch.exchanges() if exchange.request.target == f"{path}?hooked"]
    )
    assert exchange.request.body == BODY


def test_a_file_that_the_server_sends_is_the_same_with_the_hook(served) -> None:
    bare, hooked = served.get("/file", "X-Bare: 1"), served.get("/file")
    assert read_body(hooked) == read_body(bare) == FILE
    replayed = served.get("/file", "X-Darklaunch-Exchange: abcd1234:1")
    assert read_body(replayed) == FILE
    assert b"darklaunch;dur=" in replayed


@pytest.mark.parametrize("path", ["/steps", "/write"])
def test_both_hooks_time_a_response_to_its_end(served, launch, path) -> None:
    """The app pauses after its last piece: both times have it, or neither."""
    served.get(f"{path}?timed")
    (exchange,) = eventually(
        lambda: [exchange for exchange in launch.exchanges() if exchange.request.target == f"{path}?timed"]
    )
    replayed = served.get(path, "X-Darklaunch-Exchange: abcd1234:1")
    timing = re.search(rb"darklaunch;dur=(\d+\.\d+)", replayed)
    assert timing is not None
    at_least_ms = PIECES * PAUSE_S * 1000
    assert exchange.primary.body == b"****"
    assert float(timing[1]) >= at_least_ms
    assert exchange.primary.latency_ms >= at_least_ms

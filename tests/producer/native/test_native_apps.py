"""The hook in aiohttp.web, Sanic and Tornado apps, each with its own server."""

from __future__ import annotations

import http.client
import secrets
import socket
import subprocess
import sys
from contextlib import closing, contextmanager
from functools import partial

import pytest
from darklaunch import install_hook, is_shadow_request
from darklaunch.adapter_kit import BEHAVIOURS, run_adapter_kit
from darklaunch.routes.route_table import read_routes
from darklaunch.testing import captured

from tests.support.frameworks.native_apps import NATIVE, listening
from tests.support.hook import Launch, eventually

CANNOT = {"tornado": {"unread body"}}  # it reads every body before the handler runs


@contextmanager
def hooked(name, app=None, **options):
    """Serve a framework's app with the hook, in `captured`."""
    app = install_hook(NATIVE[name][0]() if app is None else app, **options)
    with captured(allow=("POST /**",)) as seen, listening(name, app) as address:
        yield address, seen


def ask(address, target, method="GET", body=None, **headers):
    """Return the status, header fields and body of a response."""
    with closing(http.client.HTTPConnection(address[0], address[1], timeout=60)) as connection:
        connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


@pytest.mark.parametrize("name", NATIVE)
def test_whatever_an_app_answers_is_captured_as_the_client_gets_it(name) -> None:
    behaviours = [each for each in BEHAVIOURS if each.name not in CANNOT.get(name, ())]
    with hooked(name) as (address, seen):
        assert run_adapter_kit(address, seen, behaviours) == {}
        assert seen.dropped == {}


@pytest.mark.parametrize("name", NATIVE)
def test_exchanges_reach_redis_and_the_routes_with_them(name, valkey) -> None:
    launch = Launch(valkey.url, "native").publish()
    app = install_hook(NATIVE[name][0](), redis_url=valkey.url, app_name=secrets.token_hex(4))
    with listening(name, app) as address:

        def is_captured():
            ask(address, "/orders/7")
            return launch.exchanges()

        exchanges = eventually(is_captured)
    assert exchanges[0].endpoint == "GET /orders/{id}"
    assert b'"id"' in exchanges[0].primary.body
    found = read_routes(app)
    assert found is not None
    framework, routes = found
    assert framework == name
    assert {("GET", "/orders/{id}"), ("POST", "/echo"), ("GET", "/fails")} <= set(routes)


@pytest.mark.parametrize("name", NATIVE)
def test_a_client_that_leaves_is_counted_and_nothing_is_captured(name) -> None:
    with hooked(name) as (address, seen):
        with socket.create_connection(address, 60) as client:
            client.sendall(b"GET /waits HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            assert b"200" in client.recv(20)
        assert eventually(lambda: seen.skipped.get("aborted"))
        assert seen.exchanges == []


@pytest.mark.parametrize("name", NATIVE)
def test_a_websocket_passes_untouched(name) -> None:
    from websockets.sync.client import connect

    with hooked(name) as ((host, port), seen):
        with connect(f"ws://{host}:{port}/socket", proxy=None) as connection:
            connection.send("hello")
            assert connection.recv() == "echo hello"
        assert seen.exchanges == []


@pytest.mark.parametrize("name", NATIVE)
def test_a_body_that_is_read_piece_by_piece_is_captured_once(name) -> None:
    with hooked(name) as (address, seen):
        assert ask(address, "/pieces", "POST", b"0123456789" * 9)[2] == b"0123456789" * 9
        (exchange,) = eventually(lambda: seen.exchanges)
        assert exchange.request.body == b"0123456789" * 9


@pytest.mark.parametrize("name", NATIVE)
def test_a_hook_that_is_installed_twice_records_once(name) -> None:
    app = install_hook(NATIVE[name][0]())
    with hooked(name, app) as (address, seen):
        ask(address, "/orders/7")
        ask(address, "/orders/8")
        assert eventually(lambda: len(seen.exchanges) == 2)


@pytest.mark.parametrize("name", NATIVE)
def test_requests_on_one_connection_are_captured_one_by_one(name) -> None:
    with (
        hooked(name) as (address, seen),
        closing(http.client.HTTPConnection(address[0], address[1], timeout=60)) as connection,
    ):
        for number in range(3):
            connection.request("POST", "/echo", f"body {number}")
            assert connection.getresponse().read() == f"body {number}".encode()
        assert eventually(lambda: len(seen.exchanges) == 3)
        assert [each.request.body for each in seen.exchanges] == [b"body 0", b"body 1", b"body 2"]


@pytest.mark.parametrize("name", NATIVE)
def test_the_shadow_times_replays_and_knows_them(name) -> None:
    """The same bytes, with the time from inside the app and the build; `is_shadow_request` for replays alone."""
    app, states = NATIVE[name][0](), list[bool]()
    note_requests(name, app, states)
    install_hook(app, build="v42", app_name=secrets.token_hex(4))
    with listening(name, app) as address:
        plain = ask(address, "/stream")
        replayed = ask(address, "/stream", X_Darklaunch_Exchange="abcd1234:1")
        large = ask(address, "/echo", "POST", bytes(300_000), X_Darklaunch_Exchange="abcd1234:2")
        empty = ask(address, "/empty", X_Darklaunch_Exchange="abcd1234:3")
        head = ask(address, "/orders/7", "HEAD", X_Darklaunch_Exchange="abcd1234:4")
        failed = ask(address, "/fails", X_Darklaunch_Exchange="abcd1234:5")
        ask(address, "/orders/7")
    assert "server-timing" not in plain[1]
    assert plain[2] == replayed[2] == b"one two"
    assert large[2] == bytes(300_000)
    assert [each[0] for each in (replayed, large, empty, head, failed)] == [200, 200, 204, 200, 500]
    for response in (replayed, large, empty, head, failed):
        assert response[1]["server-timing"].startswith("darklaunch;dur=")
        assert 'darklaunch-build;desc="v42"' in response[1]["server-timing"]
    assert states == [False, True, True, True, True, True, False]


def note_requests(name, app, states) -> None:
    """Make an app note, for each request, whether it is a replay in the shadow."""
    if name == "aiohttp":
        from aiohttp import web

        @web.middleware
        async def note(request, handler):
            states.append(is_shadow_request())
            return await handler(request)

        app.middlewares.append(note)
    elif name == "sanic":
        app.on_request(lambda request: states.append(is_shadow_request()))
    else:
        app.settings["log_function"] = lambda handler: states.append(is_shadow_request())


def read_skipped(seen, reason):
    return seen.skipped.get(reason)


@pytest.mark.parametrize("name", NATIVE)
def test_an_error_in_the_hook_loses_the_exchange_and_never_the_response(name, monkeypatch) -> None:
    from darklaunch.capture.recording import Recording

    def fail(*_args, **_named):
        raise RuntimeError("planted in the hook")

    for method in ("add_request_chunk", "begin_response", "add_response_chunk", "finish"):
        with monkeypatch.context() as patch, hooked(name) as (address, seen):
            patch.setattr(Recording, method, fail)
            assert ask(address, "/echo", "POST", b"body")[2] == b"body"
            assert eventually(partial(read_skipped, seen, "hook_error")), method
            assert seen.exchanges == []


def test_a_file_that_the_kernel_sends_is_skipped_and_arrives() -> None:
    with hooked("aiohttp") as (address, seen):
        status, headers, body = ask(address, "/file")
        assert (status, len(body)) == (200, int(headers["content-length"]))
        replayed = ask(address, "/file", X_Darklaunch_Exchange="abcd1234:1")
        assert replayed[2] == body
        assert "darklaunch;dur=" in replayed[1]["server-timing"]
        assert eventually(lambda: seen.skipped.get("unsupported"))
        assert seen.exchanges == []


def test_a_stream_that_aiohttp_compresses_itself_is_skipped_and_arrives() -> None:
    with hooked("aiohttp") as (address, seen):
        assert ask(address, "/packed")[2] == b"packed " * 9
        assert ask(address, "/packed", Accept_Encoding="gzip")[1]["content-encoding"] == "gzip"
        assert eventually(lambda: seen.skipped.get("unsupported"))
        assert [each.primary.body for each in seen.exchanges] == [b"packed " * 9]


def test_a_multipart_form_is_captured_as_it_was_sent() -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + b"line\r\n-" * 99 + b"\r\n--x--\r\n"
    with hooked("aiohttp") as (address, seen):
        answer = ask(address, "/upload", "POST", form, Content_Type="multipart/form-data; boundary=x")
        assert answer[2] == b"line\r\n-" * 99
        exchanges = eventually(lambda: seen.exchanges or seen.skipped) and seen.exchanges
        if exchanges:  # the app need not read the last boundary
            assert exchanges[0].request.body == form
        else:
            assert seen.skipped == {"unread_body": 1}


def test_aiohttp_in_development_mode_warns_of_nothing() -> None:
    """There `Application` warns of each attribute that is set on it."""
    code = "from aiohttp import web; import darklaunch; darklaunch.install_hook(web.Application())._x = 1"
    command = [sys.executable, "-X", "dev", "-W", "error:Setting custom", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Setting custom web.Application._x attribute" in ended.stderr
    assert "_make_request" not in ended.stderr

"""The hook in a real WSGI server with forked workers, loaded before the fork or after it."""

from __future__ import annotations

import re

import pytest

from tests.support.hook import (
    Launch,
    ask_until_each_captured,
    ask_until_two_listen,
    assert_balanced,
    eventually,
    gunicorn,
    own_redis,
    serving,
)

pytestmark = pytest.mark.xdist_group("gunicorn")

REQUESTS = ["/orders/7?x=%2F", "/orders/seven", "/nothing", "/large", "/file", "/fails", "/fails-late", "/empty"]
ENV = {"DARKLAUNCH_APP_NAME": "shop"}


def normal(response: bytes) -> bytes:
    return re.sub(rb"(?i)\r\ndate: [^\r]*", b"", response)


@pytest.fixture(scope="module")
def redis_url():
    with own_redis() as url:
        yield url


@pytest.fixture(scope="module")
def launch(redis_url):
    return Launch(redis_url, "gunicorn").publish(allow=("POST /quote",), skip=("/pid",))


@pytest.fixture(scope="module")
def hooked(redis_url, launch, tmp_path_factory):
    command = gunicorn("flask_app:app", "--threads", "4")
    with serving(
        command, tmp_path_factory.mktemp("hooked") / "log", {**ENV, "DARKLAUNCH_REDIS_URL": redis_url}
    ) as served:
        served.get("/pid")
        assert eventually(launch.hooks), served.log()
        yield served


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", REQUESTS)
def test_every_byte_is_the_same_with_and_without_the_hook(hooked, target, method) -> None:
    response = hooked.get(target, method=method)
    assert normal(response) == normal(hooked.get(target, "X-Bare: 1", method=method)) != b""


def test_a_post_is_the_same_in_one_piece_or_chunked(hooked, launch) -> None:
    body = bytes(range(256))
    for headers in ((), ("X-Bare: 1",)):
        pieces = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        response = hooked.get("/quote", "Transfer-Encoding: chunked", *headers, method="POST", raw=pieces)
        assert response.endswith(b"\r\n\r\nonetwo")
        assert hooked.get("/quote", *headers, method="POST", body=body).endswith(b"\r\n\r\n" + body)
    assert eventually(lambda: {exchange.request.body for exchange in launch.exchanges()} >= {b"onetwo", body})


def test_an_exchange_travels_whole_and_without_credentials(hooked, launch) -> None:
    response = hooked.get("/orders/8?q=%2F&&z=1", "Authorization: Bearer s3cr3t", "X-Latin: \xe9")
    (exchange,) = eventually(
        lambda: [exchange for exchange in launch.exchanges() if exchange.request.target.startswith("/orders/8")]
    )
    assert exchange.endpoint == "GET /orders/{id}"
    assert exchange.request.target == "/orders/8?q=%2F&&z=1"
    assert exchange.request.origin == "http://shop.example"
    assert dict(exchange.request.headers) == {"host": "shop.example", "connection": "close", "x-latin": "\xe9"}
    assert exchange.primary.body == response.partition(b"\r\n\r\n")[2]
    assert ("set-cookie", "session=[redacted]; HttpOnly; Path=/") in exchange.primary.headers


def test_a_stream_arrives_piece_by_piece_and_is_captured_at_its_end(hooked, launch, tmp_path) -> None:
    gate = tmp_path / "gate"
    with hooked.connect(f"GET /drip{gate} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n") as connection:
        received = b""
        while b"one " not in received:
            received += connection.recv(4096)
        assert b"two" not in received
        gate.touch()
        while chunk := connection.recv(4096):
            received += chunk
    assert b"two" in received
    (exchange,) = eventually(
        lambda: [exchange for exchange in launch.exchanges() if "/drip" in exchange.request.target]
    )
    assert exchange.primary.body == b"one two"


def test_files_that_the_server_sends_are_skipped(hooked, launch) -> None:
    assert b"200 OK" in hooked.get("/file")
    assert eventually(lambda: launch.ledger("skipped:unsupported") > 0)
    requests = [exchange.request for exchange in launch.exchanges()]
    assert not any((request.method, request.target) == ("GET", "/file") for request in requests)


def test_a_replay_is_timed(hooked) -> None:
    response = hooked.get("/orders/7", "X-Darklaunch-Exchange: abcd1234:1")
    assert re.search(rb"\r\nServer-Timing: darklaunch;dur=\d+\.\d{3}\r\n", response)


@pytest.mark.parametrize(
    ("app", "endpoint", "options"),
    [
        ("flask_app:app", "GET /orders/{id}", ()),
        ("django_app:application", "GET /orders/{id}/", ("--preload",)),
    ],
    ids=["flask", "django preloaded"],
)
def test_each_forked_worker_keeps_books_of_its_own_and_closes_them(valkey, tmp_path, app, endpoint, options) -> None:
    launch = Launch(valkey.url, "forks").publish(only=("/orders/*", "/orders/*/"))
    command = gunicorn(app, "--workers", "2", *options)
    with serving(command, tmp_path / "log", {**ENV, "DARKLAUNCH_REDIS_URL": valkey.url}) as served:
        target = "/orders/7/" if "django" in app else "/orders/7"
        assert ask_until_two_listen(served, launch, target), served.log()
        assert ask_until_each_captured(served, launch, target)
        assert {process["app"] for process in launch.hooks()} == {"shop"}
        assert served.process.pid not in {process["pid"] for process in launch.hooks()}
        served.stop()
    assert {exchange.endpoint for exchange in launch.exchanges()} == {endpoint}
    assert len(launch.counters()) == 2
    assert all(counters.closed for counters in launch.counters())
    assert_balanced(launch)
    assert launch.ledger("sampled") == len(launch.exchanges())
    assert not launch.hooks()

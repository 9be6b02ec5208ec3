"""The hook in a real ASGI server: the user sees no difference, Redis sees the exchanges."""

from __future__ import annotations

import re

import pytest

from tests.support.hook import Launch, assert_balanced, eventually, own_redis, serving, uvicorn

pytestmark = pytest.mark.xdist_group("uvicorn")

REQUESTS = [
    ("/orders/7?x=%2F",),
    ("/orders/seven",),
    ("/orders/7", "If-None-Match: x"),
    ("/nothing",),
    ("/large",),
    ("/file",),
    ("/fails",),
    ("/fails-late",),
    ("/empty",),
]


def normal(response: bytes) -> bytes:
    return re.sub(rb"(?i)\r\ndate: [^\r]*", b"", response)


@pytest.fixture(scope="module")
def redis_url():
    with own_redis() as url:
        yield url


@pytest.fixture(scope="module")
def launch(redis_url):
    return Launch(redis_url, "uvicorn").publish(allow=("POST /quote",), skip=("/open",))


@pytest.fixture(scope="module")
def hooked(redis_url, launch, tmp_path_factory):
    env = {"DARKLAUNCH_REDIS_URL": redis_url}
    with serving(uvicorn("asgi_app:app"), tmp_path_factory.mktemp("hooked") / "log", env) as served:
        assert eventually(launch.hooks), served.log()  # the thread starts with the server, not with the first request
        yield served


def captured(launch: Launch, mark: str):
    """Wait for the exchange whose request carries the mark."""

    def find():
        for exchange in launch.exchanges():
            if mark in dict(exchange.request.headers).get("x-mark", ""):
                return exchange
        return None

    return eventually(find)


def test_the_hook_says_who_it_is(hooked, launch) -> None:
    (process,) = launch.hooks()
    assert (process["kind"], process["app"]) == ("hook", "asgi_app")
    assert process["framework"] in ("asgi", "fastapi")
    assert process["pid"] == hooked.process.pid
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", process["version"])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("request_", REQUESTS, ids=" ".join)
def test_every_byte_is_the_same_with_and_without_the_hook(hooked, request_, method) -> None:
    response = hooked.get(*request_, method=method)
    assert normal(response) == normal(hooked.get(*request_, "X-Bare: 1", method=method)) != b""


def test_a_post_is_the_same_in_one_piece_or_chunked(hooked) -> None:
    for headers in ((), ("X-Bare: 1",)):
        pieces = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        response = hooked.get("/quote", "Transfer-Encoding: chunked", *headers, method="POST", raw=pieces)
        assert response.endswith(b"\r\n\r\nonetwo")
    body = bytes(range(256))
    response = hooked.get("/quote", method="POST", body=body)
    assert normal(response) == normal(hooked.get("/quote", "X-Bare: 1", method="POST", body=body))


def test_an_exchange_travels_whole_and_without_credentials(hooked, launch) -> None:
    headers = ("X-Mark: whole", "Authorization: Bearer s3cr3t", "X-Two: a", "X-Two: b", "X-Latin: \xe9")
    response = hooked.get("/orders/7?q=%2F&&z=1", *headers)
    exchange = captured(launch, "whole")
    assert exchange.endpoint == "GET /orders/{id}"
    assert exchange.request.target == "/orders/7?q=%2F&&z=1"
    assert exchange.request.origin == "http://shop.example"
    sent = list(exchange.request.headers)
    assert sent == [
        ("host", "shop.example"), ("connection", "close"), ("x-mark", "whole"), ("x-two", "a"), ("x-two", "b"),
        ("x-latin", "\xe9"),
    ]  # fmt: skip
    assert exchange.primary.body == response.partition(b"\r\n\r\n")[2] == '{"id":7,"lines":["é"]}'.encode()
    assert ("set-cookie", "session=[redacted]; HttpOnly; Path=/; SameSite=lax") in exchange.primary.headers
    assert 0 < exchange.primary.latency_ms < 30_000


def test_a_body_travels_byte_for_byte(hooked, launch) -> None:
    body = bytes(range(256)) * 10
    hooked.get("/quote", "X-Mark: bytes", method="POST", body=body)
    exchange = captured(launch, "bytes")
    assert exchange.request.body == exchange.primary.body == body


def test_a_stream_arrives_piece_by_piece_and_is_captured_at_its_end(hooked, launch) -> None:
    request = "GET /drip HTTP/1.1\r\nHost: shop.example\r\nX-Mark: drip\r\nConnection: close\r\n\r\n"
    with hooked.connect(request) as connection:
        received = b""
        while b"one " not in received:
            received += connection.recv(4096)
        assert b"two" not in received
        hooked.get("/open")
        while chunk := connection.recv(4096):
            received += chunk
    assert b"two" in received
    assert captured(launch, "drip").primary.body == b"one two"


def test_an_unhandled_exception_is_captured_as_the_500_the_user_gets(hooked, launch) -> None:
    response = hooked.get("/fails", "X-Mark: unhandled")
    assert response.startswith(b"HTTP/1.1 500 ")
    primary = captured(launch, "unhandled").primary
    assert (primary.status, primary.body) == (500, b"Internal Server Error")
    assert response.endswith(b"\r\n\r\n" + primary.body)


def test_header_fields_from_an_iterator_reach_the_user_and_are_captured(hooked, launch) -> None:
    response = hooked.get("/iterator/x", "X-Mark: iterator")
    assert b"\r\nx-once: 1\r\n" in response
    assert ("x-once", "1") in captured(launch, "iterator").primary.headers
    replayed = hooked.get("/iterator/x", "X-Darklaunch-Exchange: abcd1234:1")
    assert b"\r\nx-once: 1\r\n" in replayed
    assert b"darklaunch;dur=" in replayed


def test_both_hooks_time_a_stream_to_its_end(hooked, launch) -> None:
    """The app pauses after its last piece: both times have it, or neither."""
    hooked.get("/steps", "X-Mark: steps")
    timing = re.search(rb"darklaunch;dur=(\d+\.\d+)", hooked.get("/steps", "X-Darklaunch-Exchange: abcd1234:1"))
    assert timing is not None
    assert float(timing[1]) >= 400
    assert captured(launch, "steps").primary.latency_ms >= 400


def test_server_sent_events_pass_and_are_skipped(hooked, launch) -> None:
    before = launch.ledger("skipped:streaming")
    with hooked.connect("GET /events HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n") as connection:
        while b"one " not in connection.recv(4096):
            pass
        hooked.get("/open")
    assert eventually(lambda: launch.ledger("skipped:streaming") > before)


def test_a_client_that_leaves_is_skipped(hooked, launch) -> None:
    before = launch.ledger("skipped:aborted")
    with hooked.connect("GET /drip HTTP/1.1\r\nHost: shop.example\r\n\r\n") as connection:
        while b"one " not in connection.recv(4096):
            pass
    assert eventually(lambda: launch.ledger("skipped:aborted") > before)
    hooked.get("/open")


def test_a_replay_is_timed_and_not_captured(hooked, launch) -> None:
    before = launch.ledger("skipped:loop")
    response = hooked.get("/orders/7", "X-Darklaunch-Exchange: abcd1234:1", "X-Mark: loop")
    assert re.search(rb"\r\nserver-timing: darklaunch;dur=\d+\.\d{3}\r\n", response)
    assert eventually(lambda: launch.ledger("skipped:loop") > before)
    hooked.get("/orders/7", "X-Mark: after")
    captured(launch, "after")
    assert not any(dict(exchange.request.headers).get("x-mark") == "loop" for exchange in launch.exchanges())


def test_sigterm_writes_what_waits_and_closes_the_books_of_each_worker(valkey, tmp_path) -> None:
    launch = Launch(valkey.url, "stops").publish()
    command = uvicorn("asgi_app:app", "--workers", "2", "--root-path", "/api")
    with serving(command, tmp_path / "log", {"DARKLAUNCH_REDIS_URL": valkey.url}) as served:
        assert eventually(lambda: len(launch.hooks()) == 2), served.log()
        for number in range(30):
            assert b"200 OK" in served.get(f"/orders/{number}?x")
        absolute = "GET http://shop.example/orders/30?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert b"200 OK" in served.ask(absolute)
        served.stop()
    assert launch.ledger("sampled") == launch.ledger("seq") == 31
    assert all(counters.closed for counters in launch.counters())
    assert_balanced(launch)
    assert not launch.hooks()
    targets = {exchange.request.target for exchange in launch.exchanges()}
    assert targets == {f"/orders/{number}?x" for number in range(31)}  # neither the root path nor the origin is in it
    assert {exchange.endpoint for exchange in launch.exchanges()} == {"GET /orders/{id}"}

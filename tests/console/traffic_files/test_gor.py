"""Files as `gor --output-file` writes them."""

import io

import pytest
from darklaunch_console.traffic_files import gor
from darklaunch_console.traffic_files.gor import SEPARATOR, read_gor
from darklaunch_console.traffic_files.recorded import BadTrafficFile

REQUEST = (
    b"1 932079936fa4306fc308d67588178d17d823647c 1796040000500000000\nGET /a?b HTTP/1.1\r\nHost: shop.example\r\n\r\n"
)
RESPONSE = (
    b"2 932079936fa4306fc308d67588178d17d823647c 1796040000512500000 12500000\n"
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n"
)
POST = (
    b"1 aaaa79936fa4306fc308d67588178d17d823647c 1796040001000000000\n"
    b"POST /p HTTP/1.1\r\nContent-Length: 4\r\n\r\na\nb\n"
)


def read(*payloads):
    return list(read_gor(io.BytesIO(b"".join(payload + b"\n" + SEPARATOR + b"\n" for payload in payloads)), "a.gor"))


def test_a_response_is_joined_with_its_request():
    post, get = read(REQUEST, POST, RESPONSE)[::-1]
    assert (get.method, get.origin, get.target, get.at_s) == ("GET", "http://shop.example", "/a?b", 1796040000.5)
    assert get.response is not None
    assert (get.response.status, get.response.body, get.response.latency_ms) == (200, b"ok", 12.5)
    assert get.response.headers == (("x-a", "1"),)
    assert (post.method, post.body, post.response) == ("POST", b"a\nb\n", None)


def test_the_response_of_a_replay_is_not_the_primarys():
    (request,) = read(REQUEST, RESPONSE.replace(b"2 9", b"3 9", 1))
    assert request.response is None


def test_an_id_that_comes_again_is_another_request():
    assert len(read(REQUEST, REQUEST, RESPONSE)) == 2


def test_only_so_many_requests_wait_for_their_response(monkeypatch):
    monkeypatch.setattr(gor, "MOST_WAITING", 1)
    first, second = read(REQUEST, POST, RESPONSE)
    assert (first.method, first.response, second.method) == ("GET", None, "POST")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"hello\nGET / HTTP/1.1\r\n\r\n", "its first line is not `1 ID TIME`: 'hello'"),
        (b"1 932079936fa4306fc308 noon\nGET / HTTP/1.1\r\n\r\n", "'noon' in its first line is no number"),
        (b"1 932079936fa4306fc308 1796040000500000000\n\0\1\2", "not an HTTP request"),
    ],
)
def test_a_bad_payload_is_named(payload, problem):
    with pytest.raises(BadTrafficFile) as raised:
        read(POST, payload)
    assert str(raised.value).startswith(f"a.gor, payload 2: {problem}")

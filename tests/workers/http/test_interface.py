"""What both implementations do: a request leaves byte for byte or not at all, a response arrives as it was sent."""

import asyncio
import gzip

import pytest
from darklaunch_shared.wire.exchange import Response
from darklaunch_workers.http import ClientKind, ShadowRequest, UnsendableRequest

from tests.support.hostile_shadow import OK, Act, calling, client_of, hostile, request

pytestmark = pytest.mark.anyio


async def send(kind: ClientKind, answer: bytes | Act) -> Response:
    async with calling(kind, answer) as (client, _):
        return (await client.send(request(), deadline_s=5)).response


async def test_status_headers_in_wire_order_and_body(kind: ClientKind) -> None:
    answer = await send(
        kind,
        b"HTTP/1.1 207 Multi Status\r\nX-B: 1\r\nSet-Cookie: a=1\r\nx-b:  2 \t\r\nset-cookie: b=\xe9\r\nEmpty:\r\n"
        b"Content-Length: 3\r\n\r\n\0\xff\n",
    )
    assert answer.status == 207
    assert answer.headers == (
        ("x-b", "1"),
        ("set-cookie", "a=1"),
        ("x-b", "2"),
        ("set-cookie", "b=\xe9"),
        ("empty", ""),
        ("content-length", "3"),
    )
    assert answer.body == b"\0\xff\n"
    assert 0 < answer.latency_ms < 5000


async def test_chunks_are_joined_and_trailers_left_out(kind: ClientKind) -> None:
    answer = await send(
        kind,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n"
        b"3;ext=1\r\nabc\r\n5 \r\n\r\n\r\nx\r\n0\r\nX-Trailer: y\r\n\r\n",
    )
    assert answer.body == b"abc\r\n\r\nx"
    assert [name for name, _ in answer.headers] == ["transfer-encoding", "trailer"]


async def test_content_coding_is_left_alone(kind: ClientKind) -> None:
    body = gzip.compress(b"x" * 10_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    assert (await send(kind, head + body)).body == body


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 12\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    ],
)
async def test_answers_without_a_body_end_with_their_headers(kind: ClientKind, method: str, answer: bytes) -> None:
    async with calling(kind, answer) as (client, _):
        for _ in range(2):
            reply = await client.send(request(method=method), deadline_s=5)
            assert reply.response.body == b""
        assert client.replaced_connections == 0


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
async def test_a_body_without_length_ends_with_the_connection(kind: ClientKind, version: bytes) -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/%b 200 OK\r\nx: y\r\n\r\npart " % version)
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"and end")

    assert (await send(kind, act)).body == b"part and end"


async def test_one_byte_at_a_time(kind: ClientKind) -> None:
    raw = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nx: y\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in raw + b"4\r\nbody\r\n0\r\n\r\n":
            writer.write(bytes([byte]))
            await asyncio.sleep(0)

    answer = await send(kind, act)
    assert answer.body == b"body"
    assert answer.headers == (("x", "y"), ("transfer-encoding", "chunked"))


async def test_bare_line_feeds_are_understood(kind: ClientKind) -> None:
    assert (await send(kind, b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok")).body == b"ok"


@pytest.mark.parametrize("status", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
async def test_informational_responses_are_passed_over(kind: ClientKind, status: bytes) -> None:
    informational = b"HTTP/1.1 " + status + b"\r\nlink: <a>\r\n\r\n"
    answer = await send(kind, informational * 32 + OK)
    assert (answer.status, answer.body, answer.headers) == (200, b"ok", (("content-length", "2"),))


@pytest.mark.parametrize("status", [b"418 I'm a teapot", b"500 Oops", b"999 ?", b"600", b"200 "])
async def test_any_final_status_is_an_answer(kind: ClientKind, status: bytes) -> None:
    answer = await send(kind, b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nno")
    assert (answer.status, answer.body) == (int(status[:3]), b"no")


async def test_redirects_are_not_followed(kind: ClientKind) -> None:
    async with hostile(OK) as elsewhere:
        location = b"http://127.0.0.1:%d/" % elsewhere.port
        answer = await send(kind, b"HTTP/1.1 302 Found\r\nlocation: %b\r\ncontent-length: 0\r\n\r\n" % location)
        assert answer.status == 302
        assert elsewhere.connections == 0


async def test_cookies_are_not_remembered(kind: ClientKind) -> None:
    raw = b"HTTP/1.1 200 OK\r\nset-cookie: session=1; Path=/\r\ncontent-length: 0\r\n\r\n"
    async with calling(kind, raw) as (client, shadow):
        for _ in range(2):
            await client.send(request(), deadline_s=5)
        assert len(shadow.heads) == 2
        assert b"session" not in shadow.head


async def test_an_early_answer_to_a_large_body_is_an_answer_and_uses_up_the_connection(kind: ClientKind) -> None:
    """The shadow answers from the headers alone and does not read the body."""

    async def answer_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        await asyncio.sleep(5)

    async with hostile(answer_early, reads=False) as shadow, client_of(kind, shadow.port) as client:
        for _ in range(2):
            reply = await client.send(request(method="POST", body=bytes(8_000_000)), deadline_s=5)
            assert reply.response.status == 413
        assert shadow.connections == 2


TARGETS = [
    b"/",
    b"/../../etc/passwd",
    b"/a/./b/../c",
    b"//evil.test/x",
    b"///",
    b"/%2e%2e/%2F/%00/%zz/%",
    b"/caf%C3%A9/%c3%a9",
    b"/a;b=c;d/e,f",
    b"/?",
    b"/?q=a+b&q=a%20b&&=&x",
    b"/?a=1?b=2#not-a-fragment",
    b"/\\..\\x",
    b"/{id}/|^`\"<>'",
    b"/~user/@:!$()*[]",
    b"*",
    b"http://elsewhere.test/x?y",
    b"no-slash",
    b"/" + b"a" * 20_000,
]


async def test_targets_arrive_byte_for_byte(kind: ClientKind) -> None:
    async with calling(kind, OK) as (client, shadow):
        for target in TARGETS:
            await client.send(request(target), deadline_s=5)
            assert shadow.request_line == b"GET " + target + b" HTTP/1.1"


BAD = {
    "space in target": request(b"/a b"),
    "line end in target": request(b"/a\r\nx: y"),
    "NUL in target": request(b"/\0"),
    "DEL in target": request(b"/\x7f"),
    "empty target": request(b""),
    "method with a space": request(method="GET /"),
    "empty method": request(method=""),
    "method beyond ASCII": request(method="GÉT"),
    "lone surrogate in method": request(method="\ud800"),
    "tunnel": request(method="CONNECT"),
    "line end in value": request(b"/", (b"x", b"a\r\nb: c")),
    "bare line feed in value": request(b"/", (b"x", b"a\nb")),
    "NUL in value": request(b"/", (b"x", b"\0")),
    "colon at the end of a name": request(b"/", (b"x:", b"y")),
    "colon in name": request(b"/", (b"x:y", b"z")),
    "line feed in name": request(b"/", (b"x\ny", b"z")),
    "empty name": request(b"/", (b"", b"z")),
    "second host": request(b"/", (b"Host", b"other")),
    "no host": ShadowRequest("GET", b"/", (), b""),
    "transfer coding": request(b"/", (b"transfer-encoding", b"chunked")),
    "short length": ShadowRequest("POST", b"/", ((b"host", b"h"), (b"content-length", b"1")), b"four"),
    "no length": ShadowRequest("POST", b"/", ((b"host", b"h"),), b"four"),
    "two lengths": request(b"/", (b"content-length", b"4"), method="POST", body=b"four"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_what_could_read_as_another_request_is_refused_before_connecting(
    kind: ClientKind, bad: ShadowRequest
) -> None:
    async with calling(kind, OK) as (client, shadow):
        with pytest.raises(UnsendableRequest):
            await client.send(bad, deadline_s=5)
        assert shadow.connections == 0


async def test_headers_arrive_in_order_with_duplicates_and_nothing_is_added(kind: ClientKind) -> None:
    headers = ((b"X-B", b"1"), (b"cookie", b"a=1"), (b"x-b", b"2"), (b"Accept-Encoding", b"gzip, br"), (b"x-e", b""))
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(b"/", *headers), deadline_s=5)
        assert shadow.fields == [b"host: shadow.test", *(name + b": " + value for name, value in headers)]
        await client.send(request(), deadline_s=5)
        assert shadow.fields == [b"host: shadow.test"]


async def test_header_values_keep_bytes_that_are_no_text(kind: ClientKind) -> None:
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(b"/", (b"x-latin", b"caf\xe9 \xff"), (b"x-utf8", "é".encode())), deadline_s=5)
        assert shadow.fields[1:] == [b"x-latin: caf\xe9 \xff", b"x-utf8: \xc3\xa9"]


@pytest.mark.parametrize("size", [0, 1, 256, 300_000])
async def test_binary_bodies_arrive(kind: ClientKind, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"\0" * (size % 256)
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(method="POST", body=body), deadline_s=5)
        assert shadow.bodies == [body]


async def test_unusual_methods_arrive(kind: ClientKind) -> None:
    async with calling(kind, OK) as (client, shadow):
        for method in ("PROPFIND", "get", "M-SEARCH", "DELETE"):
            await client.send(request(method=method), deadline_s=5)
            assert shadow.request_line == method.encode() + b" / HTTP/1.1"


async def test_proxy_environment_is_not_read(kind: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with calling(kind, OK) as (client, _):
        assert (await client.send(request(), deadline_s=5)).response.status == 200

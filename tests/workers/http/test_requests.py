"""What leaves is what was given, byte for byte, or nothing leaves."""

import pytest
from darklaunch_workers.http import ShadowRequest, UnsendableRequest

from tests.support.hostile_shadow import OK, calling, request

pytestmark = pytest.mark.anyio

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


async def test_targets_arrive_byte_for_byte(kind):
    async with calling(kind, OK) as (client, shadow):
        for target in TARGETS:
            await client.send(request(target), deadline_s=5)
            assert shadow.request_line == b"GET " + target + b" HTTP/1.1"


async def test_bytes_above_ascii_in_a_target_arrive_or_are_refused(kind):
    async with calling(kind, OK) as (client, shadow):
        for target in (b"/\xff\xfe", "/é?ü=ö".encode(), b"/\xe9"):
            if kind == "httpx":
                with pytest.raises(UnsendableRequest, match="httpx cannot send"):
                    await client.send(request(target), deadline_s=5)
            else:
                await client.send(request(target), deadline_s=5)
                assert shadow.request_line == b"GET " + target + b" HTTP/1.1"
        await client.send(request(b"/after"), deadline_s=5)
        assert shadow.request_line == b"GET /after HTTP/1.1"


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
async def test_what_could_read_as_another_request_is_refused_before_connecting(kind, bad):
    async with calling(kind, OK) as (client, shadow):
        with pytest.raises(UnsendableRequest):
            await client.send(bad, deadline_s=5)
        assert shadow.connections == 0


async def test_headers_arrive_in_order_with_duplicates_and_nothing_is_added(kind):
    headers = ((b"X-B", b"1"), (b"cookie", b"a=1"), (b"x-b", b"2"), (b"Accept-Encoding", b"gzip, br"), (b"x-e", b""))
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(b"/", *headers), deadline_s=5)
        assert shadow.fields == [b"host: shadow.test", *(name + b": " + value for name, value in headers)]
        await client.send(request(), deadline_s=5)
        assert shadow.fields == [b"host: shadow.test"]


async def test_header_values_keep_bytes_that_are_no_text(kind):
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(b"/", (b"x-latin", b"caf\xe9 \xff"), (b"x-utf8", "é".encode())), deadline_s=5)
        assert shadow.fields[1:] == [b"x-latin: caf\xe9 \xff", b"x-utf8: \xc3\xa9"]


@pytest.mark.parametrize("size", [0, 1, 256, 300_000])
async def test_binary_bodies_arrive(kind, size):
    body = bytes(range(256)) * (size // 256) + b"\0" * (size % 256)
    async with calling(kind, OK) as (client, shadow):
        await client.send(request(method="POST", body=body), deadline_s=5)
        assert shadow.bodies == [body]


async def test_unusual_methods_arrive(kind):
    async with calling(kind, OK) as (client, shadow):
        for method in ("PROPFIND", "get", "M-SEARCH", "DELETE"):
            await client.send(request(method=method), deadline_s=5)
            assert shadow.request_line == method.encode() + b" / HTTP/1.1"


async def test_proxy_environment_is_not_read(kind, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with calling(kind, OK) as (client, _):
        assert (await client.send(request(), deadline_s=5)).response.status == 200

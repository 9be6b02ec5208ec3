"""What a response comes to, whichever client reads it: one table, and both clients must agree with it."""

import asyncio

import pytest
from darklaunch_workers.http import ClientKind, ShadowFailure

from tests.support.hostile_shadow import calling, request

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"content-length: 2\r\n\r\nok"
CHUNKED = b"transfer-encoding: chunked\r\n"
LAST = b"2\r\nok\r\n0\r\n\r\n"
READ = (200, b"ok")
PROTOCOL, TOO_LARGE, RESET = ("protocol",), ("too_large",), ("reset",)
NO_RESPONSE = ("protocol", "reset")
"""One parser sees the fault, the other waits for what does not come: no response either way."""

CASES: dict[str, tuple[bytes, tuple[object, ...]]] = {
    # where it ends (RFC 9112 section 6.3)
    "Content-Length and Transfer-Encoding": (OK + b"content-length: 2\r\n" + CHUNKED + b"\r\n" + LAST, PROTOCOL),
    "Transfer-Encoding and Content-Length": (OK + CHUNKED + b"content-length: 2\r\n\r\n" + LAST, PROTOCOL),
    "the same length twice": (OK + b"content-length: 2\r\n" + TWO, PROTOCOL),
    "two lengths": (OK + b"content-length: 3\r\n" + TWO, PROTOCOL),
    "the same length in a list": (OK + b"content-length: 2, 2\r\n\r\nok", PROTOCOL),
    "two lengths in a list": (OK + b"content-length: 2, 3\r\n\r\nok", PROTOCOL),
    "a negative length": (OK + b"content-length: -2\r\n\r\nok", PROTOCOL),
    "a length with a sign": (OK + b"content-length: +2\r\n\r\nok", PROTOCOL),
    "a length in hexadecimal": (OK + b"content-length: 0x2\r\n\r\nok", PROTOCOL),
    "an empty length": (OK + b"content-length: \r\n\r\nok", PROTOCOL),
    "a length of forty digits": (OK + b"content-length: " + b"9" * 40 + b"\r\n\r\nok", PROTOCOL),
    "a length with spaces around": (OK + b"content-length:  2 \r\n\r\nok", READ),
    "a length with zeros": (OK + b"content-length: 00002\r\n\r\nok", READ),
    "no length": (OK + b"\r\nok", READ),
    "no length, kept alive": (OK + b"connection: keep-alive\r\n\r\nok", READ),
    "a body that breaks off": (OK + b"content-length: 5\r\n\r\nok", RESET),
    "bytes behind the body": (OK + TWO + b"MORE", READ),
    "a second response": ((OK + TWO) * 2, READ),
    "nothing": (b"", RESET),
    # codings of the transfer
    "chunks": (OK + CHUNKED + b"\r\n" + LAST, READ),
    "chunked in capitals": (OK + b"Transfer-Encoding: CHUNKED\r\n\r\n" + LAST, READ),
    "chunked twice": (OK + CHUNKED + CHUNKED + b"\r\n" + LAST, PROTOCOL),
    "chunked, chunked": (OK + b"transfer-encoding: chunked, chunked\r\n\r\n" + LAST, PROTOCOL),
    "gzip, chunked": (OK + b"transfer-encoding: gzip, chunked\r\n\r\n" + LAST, PROTOCOL),
    "chunked, gzip": (OK + b"transfer-encoding: chunked, gzip\r\n\r\nok", PROTOCOL),
    "identity": (OK + b"transfer-encoding: identity\r\n" + TWO, PROTOCOL),
    "an unknown coding": (OK + b"transfer-encoding: xchunked\r\n\r\nok", PROTOCOL),
    "an empty coding": (OK + b"transfer-encoding: \r\n" + TWO, PROTOCOL),
    # chunks
    "chunk extensions": (OK + CHUNKED + b'\r\n2;a="b;c"\r\nok\r\n0;x\r\n\r\n', READ),
    "spaces behind a chunk size": (OK + CHUNKED + b"\r\n2  \r\nok\r\n0\r\n\r\n", READ),
    "a chunk size with zeros": (OK + CHUNKED + b"\r\n" + b"0" * 18 + LAST, READ),
    "trailers": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n", READ),
    "a length among the trailers": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\ncontent-length: 5\r\n\r\n", READ),
    "a malformed trailer": (OK + CHUNKED + b"\r\n2\r\nok\r\n0\r\nbad\r\n\r\n", PROTOCOL),
    "a bare line feed behind a chunk extension": (OK + CHUNKED + b"\r\n2;a\nok\r\n0\r\n\r\n", PROTOCOL),
    "bare line feeds between chunks": (OK + CHUNKED + b"\r\n2\nok\n0\n\n", NO_RESPONSE),
    "a chunk size 0x2": (OK + CHUNKED + b"\r\n0x" + LAST, PROTOCOL),
    "a negative chunk size": (OK + CHUNKED + b"\r\n-" + LAST, PROTOCOL),
    "a chunk size with a sign": (OK + CHUNKED + b"\r\n+" + LAST, PROTOCOL),
    "no chunk size": (OK + CHUNKED + b"\r\n\r\nok\r\n0\r\n\r\n", PROTOCOL),
    "a chunk size beyond all numbers": (OK + CHUNKED + b"\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n", NO_RESPONSE),
    "a chunk that is longer": (OK + CHUNKED + b"\r\n2\r\nokk\r\n0\r\n\r\n", PROTOCOL),
    "a chunk that breaks off": (OK + CHUNKED + b"\r\n5\r\nok", RESET),
    "no last chunk": (OK + CHUNKED + b"\r\n2\r\nok\r\n", RESET),
    # header fields
    "a field over two lines": (OK + b"x-a: 1\r\n  2\r\n" + TWO, PROTOCOL),
    "a field over two lines, by a tab": (OK + b"x-a: 1\r\n\t2\r\n" + TWO, PROTOCOL),
    "a first field that is indented": (OK + b" x-a: 1\r\n" + TWO, PROTOCOL),
    "bare line feeds": (b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", READ),
    "a bare line feed": (OK + b"x-a: 1\n" + TWO, READ),
    "a bare carriage return": (OK + b"x-a: 1\r2\r\n" + TWO, PROTOCOL),
    "a NUL": (OK + b"x-a: 1\x002\r\n" + TWO, PROTOCOL),
    "a control character": (OK + b"x-a: \x01\r\n" + TWO, PROTOCOL),
    "a space before the colon": (OK + b"x-a : 1\r\n" + TWO, PROTOCOL),
    "a space in a name": (OK + b"x a: 1\r\n" + TWO, PROTOCOL),
    "an empty name": (OK + b": 1\r\n" + TWO, PROTOCOL),
    "no colon": (OK + b"x-a\r\n" + TWO, PROTOCOL),
    "a value in latin-1": (OK + b"x-a: \xe9\r\n" + TWO, READ),
    "an upgrade that is offered": (OK + b"connection: upgrade\r\nupgrade: h2c\r\n" + TWO, READ),
    "256 fields": (OK + b"x: 1\r\n" * 255 + TWO, READ),
    "257 fields": (OK + b"x: 1\r\n" * 256 + TWO, TOO_LARGE),
    "a head of 70,000 bytes": (OK + b"x: " + b"y" * 70_000 + b"\r\n" + TWO, TOO_LARGE),
    # status lines
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n" + TWO, READ),
    "HTTP/1.0 without length": (b"HTTP/1.0 200 OK\r\n\r\nok", READ),
    "HTTP/0.9": (b"ok", PROTOCOL),
    "HTTP/1.2": (b"HTTP/1.2 200 OK\r\n" + TWO, PROTOCOL),
    "HTTP/2.0": (b"HTTP/2.0 200 OK\r\n" + TWO, PROTOCOL),
    "http/1.1": (b"http/1.1 200 OK\r\n" + TWO, PROTOCOL),
    "no reason": (b"HTTP/1.1 200\r\n" + TWO, READ),
    "a reason in latin-1": (b"HTTP/1.1 200 \xe9\r\n" + TWO, READ),
    "a reason of 70,000 bytes": (b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n" + TWO, TOO_LARGE),
    "a status of two digits": (b"HTTP/1.1 20 OK\r\n" + TWO, PROTOCOL),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n" + TWO, PROTOCOL),
    "status 000": (b"HTTP/1.1 000 OK\r\n" + TWO, PROTOCOL),
    "status 999": (b"HTTP/1.1 999 OK\r\n" + TWO, (999, b"ok")),
    "a status in letters": (b"HTTP/1.1 abc OK\r\n" + TWO, PROTOCOL),
    "two spaces before the status": (b"HTTP/1.1  200 OK\r\n" + TWO, PROTOCOL),
    "line ends before the status line": (b"\r\n\r\n" + OK + TWO, PROTOCOL),
    # informational responses
    "100": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + TWO, READ),
    "103 with a length": (b"HTTP/1.1 103 Early\r\ncontent-length: 5\r\n\r\n" + OK + TWO, READ),
    "103 with chunks": (b"HTTP/1.1 103 Early\r\n" + CHUNKED + b"\r\n" + OK + TWO, READ),
    "102 thirty-two times": (b"HTTP/1.1 102 P\r\n\r\n" * 32 + OK + TWO, READ),
    "102 thirty-three times": (b"HTTP/1.1 102 P\r\n\r\n" * 33 + OK + TWO, PROTOCOL),
    "101": (b"HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", PROTOCOL),
    # responses without a body
    "204 with a length": (b"HTTP/1.1 204 N\r\ncontent-length: 2\r\n\r\n", (204, b"")),
    "204 with chunks": (b"HTTP/1.1 204 N\r\n" + CHUNKED + b"\r\n", (204, b"")),
    "204 with a body": (b"HTTP/1.1 204 N\r\n\r\nok", (204, b"")),
    "304 with a length": (b"HTTP/1.1 304 N\r\ncontent-length: 2\r\n\r\n", (304, b"")),
    "205 with a body": (b"HTTP/1.1 205 R\r\n" + TWO, (205, b"ok")),
}  # fmt: skip


@pytest.fixture
def anyio_backend() -> str:
    """Run each case once: how bytes are parsed depends on no event loop."""
    return "asyncio"


@pytest.mark.parametrize("case", CASES)
async def test_a_response_comes_to_the_same_with_both_clients(kind: ClientKind, case: str) -> None:
    raw, outcome = CASES[case]
    assert await send(kind, raw) in ([outcome] if outcome is not NO_RESPONSE else [(error,) for error in NO_RESPONSE])


@pytest.mark.parametrize("case", ["chunks", "bare line feeds", "a length with zeros", "trailers"])
async def test_what_is_clear_is_followed_by_another_on_the_same_connection(kind: ClientKind, case: str) -> None:
    raw, _ = CASES[case]
    async with calling(kind, raw) as (client, shadow):
        for _ in range(3):
            assert (await client.send(request(), deadline_s=5)).response.body == b"ok"
    assert shadow.connections == 1


async def send(kind: ClientKind, raw: bytes) -> tuple[object, ...]:
    """Return status and body of a response, or the class of the failure; then the connection is closed."""

    async def act(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    async with calling(kind, act) as (client, _):
        try:
            response = (await client.send(request(), deadline_s=5)).response
        except ShadowFailure as failure:
            return (failure.error.value,)
    return response.status, response.body

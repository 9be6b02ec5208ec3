"""Responses read the same however they are cut; nothing but a classified failure comes out of noise."""

from itertools import pairwise

import pytest
from darklaunch_workers.http.errors import ConnectionFailure
from darklaunch_workers.http.httptools_connection import ResponseParser
from darklaunch_workers.http.interface import ResponseCaps
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_shadow import OK, calling, request

CAPS = ResponseCaps(body_cap_bytes=200, header_cap_bytes=300, header_cap_count=8, informational_cap=2)

HEAD = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 \r\n", b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n", b"HTTP/1.1 204 -\r\n"]
LINE = [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"x: y\r\n", b"\r\n", b"connection: close\r\n"]
BODY = [b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nt: u\r\n\r\n", b"\0\xff"]

streams = st.lists(st.sampled_from(HEAD + LINE + BODY) | st.binary(max_size=8), max_size=10).map(b"".join)
cuts = st.lists(st.integers(0, 200), max_size=8)


def pieces(stream: bytes, at: list[int]) -> list[bytes]:
    marks = [0, *sorted({cut for cut in at if cut < len(stream)}), len(stream)]
    return [stream[start:end] for start, end in pairwise(marks) if start < end]


def read(method: str, parts: list[bytes]) -> object:
    reading = ResponseParser(CAPS)
    reading.begin(method)
    try:
        for part in parts:
            reading.feed(part)
            if reading.complete:
                break
    except ConnectionFailure as failure:
        return failure.error
    return reading.complete, reading.status, reading.headers, b"".join(reading.body)


@given(streams, cuts, st.sampled_from(["GET", "HEAD"]))
def test_cuts_make_no_difference_to_an_answer(stream: bytes, at: list[int], method: str) -> None:
    whole = read(method, [stream] if stream else [])
    cut = read(method, pieces(stream, at))
    if isinstance(whole, tuple) and whole[0]:
        assert cut == whole


@given(streams, cuts)
def test_the_body_never_passes_the_cap(stream: bytes, at: list[int]) -> None:
    reading = ResponseParser(CAPS)
    reading.begin("GET")
    try:
        for part in pieces(stream * 20, at):
            reading.feed(part)
    except ConnectionFailure:
        pass
    assert sum(map(len, reading.body)) <= CAPS.body_cap_bytes
    assert len(reading.headers) <= CAPS.header_cap_count + 1


@pytest.mark.parametrize("target", [b"/\xff\xfe", "/é?ü=ö".encode(), b"/\xe9"])
@pytest.mark.anyio
async def test_a_target_beyond_ascii_arrives_byte_for_byte(target: bytes) -> None:
    async with calling("fast", OK) as (client, shadow):
        await client.send(request(target), deadline_s=5)
        assert shadow.request_line == b"GET " + target + b" HTTP/1.1"

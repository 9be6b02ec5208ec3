"""What comes before a body is bounded, however it is cut."""

import asyncio
import socket
from itertools import pairwise

import pytest
from darklaunch_workers.http import ClientKind
from darklaunch_workers.http.errors import ConnectionFailure
from darklaunch_workers.http.interface import ResponseCaps
from darklaunch_workers.http.socket_stream import ResponseHeadBound
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_shadow import calling, request

CAPS = ResponseCaps(body_cap_bytes=200, header_cap_bytes=300, header_cap_count=8, informational_cap=2)

HEAD = [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404 \r\n", b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n", b"HTTP/1.1 204 -\r\n"]
LINE = [b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"x: y\r\n", b"\r\n", b"connection: close\r\n"]
BODY = [b"hello", b"5\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nt: u\r\n\r\n", b"\0\xff"]

streams = st.lists(st.sampled_from(HEAD + LINE + BODY) | st.binary(max_size=8), max_size=10).map(b"".join)
cuts = st.lists(st.integers(0, 200), max_size=8)


def pieces(stream: bytes, at: list[int]) -> list[bytes]:
    marks = [0, *sorted({cut for cut in at if cut < len(stream)}), len(stream)]
    return [stream[start:end] for start, end in pairwise(marks) if start < end]


@given(streams, cuts)
def test_heads_give_connection_failures_and_nothing_else(stream: bytes, at: list[int]) -> None:
    heads = ResponseHeadBound(CAPS)
    try:
        for part in pieces(stream, at):
            heads.feed(part)
    except ConnectionFailure:
        pass


@pytest.mark.parametrize("size", range(1, 12))
def test_heads_count_the_same_however_they_are_cut(size: int) -> None:
    early = b"HTTP/1.1 103 E\r\n\r\n"
    final = b"HTTP/1.1 200 OK\r\n\r\n" + early * 9  # a body that looks like more of them

    def feed(informational: int) -> None:
        stream = early * informational + final
        heads = ResponseHeadBound(CAPS)
        for start in range(0, len(stream), size):
            heads.feed(stream[start : start + size])

    feed(2)
    with pytest.raises(ConnectionFailure, match="informational"):
        feed(3)


@pytest.mark.anyio
async def test_a_server_that_waits_for_acknowledgements_is_timed_without_our_delay(kind: ClientKind) -> None:
    """With Nagle's algorithm, a body waits until its head is acknowledged: 40 ms in every response, were that late."""

    async def respond_in_two_parts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        while True:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
            writer.write(b"ok")
            await reader.readuntil(b"\r\n\r\n")

    async with calling(kind, respond_in_two_parts) as (client, _):
        took_ms = [(await client.send(request(), deadline_s=10)).response.latency_ms for _ in range(30)]
    assert min(took_ms[15:]) < 35, "every response takes as long as a delayed acknowledgement"

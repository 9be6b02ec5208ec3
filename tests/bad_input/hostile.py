"""A shadow that does to each request what its case says, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.loopback import conversing

from .corpus import Case

GOOD = b'{"ok":true}'
_MARK = re.compile(rb"\r\nx-case: ([\w-]+)\r\n", re.IGNORECASE)


@dataclass
class Shadow:
    """`heads` are request heads by case, byte for byte; `bodies` what followed."""

    port: int = 0
    heads: dict[str, bytes] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)


def http(status: int, headers: list[bytes], body: bytes) -> bytes:
    lines = [b"HTTP/1.1 %d X" % status, *headers]
    if status not in (204, 304):
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""]) + (body if status not in (204, 304) else b"")


@asynccontextmanager
async def hostile_shadow(cases: dict[str, Case]) -> AsyncIterator[Shadow]:
    """Serve on loopback; a request without a case gets `{"ok":true}`."""
    shadow = Shadow()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await _serve(shadow, cases, reader, writer):
            pass

    async with conversing(converse, limit=2**20) as (_, shadow.port):
        yield shadow


async def _serve(
    shadow: Shadow, cases: dict[str, Case], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Answer one request; False when the connection is to end."""
    head = await reader.readexactly(1)
    if head == b"\x16":  # a handshake of TLS
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        return False
    head += await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)\r\n", head)
    body = await reader.readexactly(int(length[1])) if length else b""
    mark = found[1].decode() if (found := _MARK.search(head)) else ""
    shadow.heads[mark], shadow.bodies[mark] = head, body
    case = cases.get(mark)
    if case is None or case.kind not in ("answer", "shadow"):
        answer = http(200, [b"content-type: application/json"], GOOD)
        writer.write(answer if not head.startswith(b"HEAD ") else answer.removesuffix(GOOD))
    elif case.kind == "answer":
        body = case.read_bytes("shadow", str(case.given.get("body", "")))
        writer.write(http(int(case.given.get("status", 200)), case.lines("headers"), body))
    elif "act" in case.given:
        with suppress(ConnectionError):
            await _act(case.given["act"], writer)
        return False
    else:
        writer.write(case.read_bytes("raw"))
        await writer.drain()
        return b"\r\n\r\n" in case.read_bytes("raw") and case.outcome == "mismatched"
    await writer.drain()
    return True


async def _act(act: str, writer: asyncio.StreamWriter) -> None:
    if act == "hang":
        await asyncio.sleep(60)
    if act == "bomb":
        packed = gzip.compress(bytes(64 * 1_048_576))
        writer.write(http(200, [b"content-type: application/json", b"content-encoding: gzip"], packed))
    elif act == "drip":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)
    elif act.startswith("endless"):
        line = b"x-more: " + b"x" * 1000 + b"\r\n" if act.endswith("headers") else b"x" * 65536
        writer.write(b"HTTP/1.1 200 OK\r\n" + (b"" if act.endswith("headers") else b"\r\n"))
        while True:
            writer.write(line)
            await writer.drain()
    await writer.drain()

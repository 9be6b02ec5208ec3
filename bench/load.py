"""Load for the benchmarks: keep-alive connections to one server on loopback, each sending its next request at once.

    python -m bench.load --port 8000 --seconds 2 --concurrency 32 --body-bytes 2048

Prints JSON: requests, seconds, and the latency's p50 and p99 in ms. Stops by itself.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from typing import cast

import uvloop

HOST = "127.0.0.1"
REQUEST = (
    b"GET /orders/123?expand=lines HTTP/1.1\r\nhost: shop.example\r\naccept: application/json\r\n"
    b"user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\naccept-encoding: gzip, br\r\n"
    b"cookie: session=0123456789abcdef; theme=dark\r\nx-request-id: 0123456789abcdef\r\n\r\n"
)
_HEAD_END = b"\r\n\r\n"


class Client(asyncio.Protocol):
    """One connection: counts complete answers and how long each took, until told to stop."""

    def __init__(self, body_bytes: int, pause_s: float) -> None:
        self.took_s: list[float] = []
        self.running = True
        self.lost = False
        self._body_bytes, self._pause_s = body_bytes, pause_s
        self._got = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(_HEAD_END)
        if head < 0 or len(self._got) < head + len(_HEAD_END) + self._body_bytes:
            return
        if not self._got.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"not answered with 200: {bytes(self._got[:60])!r}")
        self.took_s.append(time.perf_counter() - self._sent_s)
        if self.running and self._pause_s:
            asyncio.get_running_loop().call_at(self._due_s, self._next)
        elif self.running:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = self.running

    def _next(self) -> None:
        if not self.running:
            return
        self._got.clear()
        self._due_s = asyncio.get_running_loop().time() + self._pause_s
        self._sent_s = time.perf_counter()
        self._transport.write(REQUEST)


async def drive(port: int, seconds: float, concurrency: int, body_bytes: int, per_s: float = 0.0) -> dict[str, float]:
    """Send for `seconds`, at most `per_s` a second (0: as fast as it goes), and describe what came back.

    Raises ConnectionError when the server closed a connection.
    """
    loop = asyncio.get_running_loop()
    pause_s = concurrency / per_s if per_s else 0.0
    clients = [
        (await loop.create_connection(lambda: Client(body_bytes, pause_s), HOST, port))[1] for _ in range(concurrency)
    ]
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    for client in clients:
        client.running = False
    took_s = time.perf_counter() - began
    if any(client.lost for client in clients):
        raise ConnectionError("the server closed a connection under load")
    latencies = [each for client in clients for each in client.took_s]
    spread = statistics.quantiles(latencies, n=100)
    return {
        "requests": len(latencies),
        "seconds": took_s,
        "p50_ms": spread[49] * 1000,
        "p99_ms": spread[98] * 1000,
    }


def pin(core: int) -> None:
    """Keep this process and its children to one core, where there are several."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--per-s", type=float, default=0.0)
    parser.add_argument("--body-bytes", type=int, required=True)
    given = parser.parse_args()
    pin(1)
    told = uvloop.run(drive(given.port, min(given.seconds, 7200.0), given.concurrency, given.body_bytes, given.per_s))
    print(json.dumps(told))

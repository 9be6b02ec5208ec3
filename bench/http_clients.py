"""Measure what one replay costs in each HTTP client: requests per second and CPU per request, medians of one run.

    python -m bench.http_clients [--rounds 5] [--requests 4000] [--concurrency 64]

A bare server in its own process answers 1 kB; every client runs in its own process, the clients taking turns in each
round, so that a noisy machine disturbs all of them alike. `fast` and `httpx` are the product's, with everything a
worker uses; the rest are what they were chosen over, each with its cheapest settings, left out when not installed.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import cast

import uvloop
from darklaunch_shared.launch.origin import Origin
from darklaunch_workers.http import ClientKind, ShadowRequest, make_client

Send = Callable[[], Awaitable[object]]

HOST = "127.0.0.1"
TARGET = "/orders/123?expand=lines"
HEADERS = {
    "accept": "application/json",
    "user-agent": "Mozilla/5.0",
    "accept-encoding": "gzip, br",
    "x-darklaunch-launch": "checkout",
    "x-darklaunch-exchange": "7f3a:118",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
}
ANSWER = (
    b"HTTP/1.1 200 OK\r\ndate: Mon, 01 Jan 2024 00:00:00 GMT\r\nserver: bench\r\ncontent-type: application/json\r\n"
    b"x-request-id: 0123456789abcdef\r\ncache-control: no-store\r\ncontent-length: 1000\r\n\r\n" + b"x" * 1000
)


def ours(kind: ClientKind) -> Callable[[int, int], Send]:
    def build(port: int, concurrency: int) -> Send:
        client = make_client(Origin("http", HOST, port), slots=concurrency, kind=kind)
        headers = ((b"host", HOST.encode()), *((name.encode(), value.encode()) for name, value in HEADERS.items()))
        request = ShadowRequest("GET", TARGET.encode(), headers, b"")
        return lambda: client.send(request, deadline_s=7)

    return build


def aiohttp(port: int, concurrency: int) -> Send:
    import aiohttp
    from yarl import URL

    session: aiohttp.ClientSession | None = None

    async def send() -> bytes:
        nonlocal session
        session = session or aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=concurrency),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=7),
        )
        url = URL(f"http://{HOST}:{port}{TARGET}", encoded=True)
        async with session.get(url, headers=HEADERS, allow_redirects=False) as response:
            return await response.read()

    return send


def httpx_transport(port: int, concurrency: int) -> Send:
    import httpx

    one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    idle = [httpx.AsyncHTTPTransport(limits=one, verify=False, trust_env=False) for _ in range(concurrency)]

    async def send() -> bytes:
        transport = idle.pop()
        request = httpx.Request(
            "GET", f"http://{HOST}:{port}/", headers=HEADERS, extensions={"target": TARGET.encode()}
        )
        async with asyncio.timeout(7):
            response = await transport.handle_async_request(request)
            body = await response.aread()
            await response.aclose()
        idle.append(transport)
        return body

    return send


def pyreqwest(port: int, concurrency: int) -> Send:
    from pyreqwest.client import ClientBuilder

    client = ClientBuilder().build()

    async def send() -> object:
        response = await client.get(f"http://{HOST}:{port}{TARGET}").headers(list(HEADERS.items())).build().send()
        return await response.bytes()

    return send


CLIENTS: dict[str, tuple[str, Callable[[int, int], Send]]] = {  # name -> the module it needs, and how to build it
    "fast": ("httptools", ours("fast")),
    "httpx": ("httpcore", ours("httpx")),
    "pyreqwest": ("pyreqwest", pyreqwest),
    "aiohttp session": ("aiohttp", aiohttp),
    "httpx transport per slot": ("httpx", httpx_transport),
}


class Answering(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        data = self._tail + data
        self._tail = data.rpartition(b"\r\n\r\n")[2]
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Answering, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def drive(send: Send, requests: int, concurrency: int) -> None:
    left = iter(range(requests))

    async def worker() -> None:
        for _ in left:
            await send()

    await asyncio.gather(*(worker() for _ in range(concurrency)))


async def measure(name: str, port: int, requests: int, concurrency: int) -> None:
    send = CLIENTS[name][1](port, concurrency)
    await drive(send, 10 * concurrency, concurrency)  # connections, caches
    wall, cpu = time.perf_counter(), time.process_time()
    await drive(send, requests, concurrency)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps([requests / wall, cpu / requests * 1e6]))


def compare(rounds: int, requests: int, concurrency: int) -> None:
    names = [name for name, (module, _) in CLIENTS.items() if find_spec(module)]
    results: dict[str, list[list[float]]] = {name: [] for name in names}
    this = [sys.executable, "-W", "ignore", "-m", "bench.http_clients"]
    server = subprocess.Popen([*this, "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        port = server.stdout.readline().strip()
        for _ in range(rounds):
            for name in names:
                size = ["--requests", str(requests), "--concurrency", str(concurrency)]
                ran = subprocess.run([*this, "--client", name, "--port", port, *size], capture_output=True, text=True)
                if ran.returncode:
                    print(f"{name}: failed: {ran.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                else:
                    results[name].append(json.loads(ran.stdout))
    finally:
        server.kill()
        server.wait()
    print(f"{'client':26}{'requests/s':>12}{'CPU µs':>10}    {rounds} rounds of {requests}, concurrency {concurrency}")
    for name, runs in results.items():
        if runs:
            rate, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{name:26}{rate:12,.0f}{cpu:10,.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        uvloop.run(serve())
    elif given.client:
        uvloop.run(measure(given.client, given.port, given.requests, given.concurrency))
    else:
        compare(given.rounds, given.requests, given.concurrency)

"""A connection that the server has reset is a lost connection under every event loop."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop
from darklaunch_shared.redis.client import connect_async
from redis.exceptions import ConnectionError as RedisConnectionError

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ResettingProxy:
    """Forwards connections to a server, and can reset them all (RST)."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, forward = await asyncio.open_connection(self._server.hostname, self._server.port)
        self._writers += [writer, forward]

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, RuntimeError):
                while data := await source.read(65536):
                    target.write(data)

        with contextlib.suppress(asyncio.CancelledError):  # at the end of the test
            await asyncio.gather(pump(reader, forward), pump(upstream, writer))

    def reset_all(self) -> None:
        for writer in self._writers:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()
        self._writers.clear()


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_reset_connection_is_lost_like_any_other_and_the_next_one_works(
    redis_url: str, new_loop: Callable[[], Any]
) -> None:
    async def use_reset_connections() -> None:
        proxy = ResettingProxy(redis_url)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = urlsplit(redis_url)
        behind = url._replace(netloc=f"{url.netloc.rpartition('@')[0]}@127.0.0.1:{port}").geturl()
        client = connect_async(behind, client_name="darklaunch-test")
        try:
            for pause_s in (0.0, 0.01, 0.1):
                assert await client.execute_command("ECHO", "x") == b"x"
                proxy.reset_all()
                await asyncio.sleep(pause_s)
                with contextlib.suppress(RedisConnectionError):
                    await client.execute_command("ECHO", "x")
                assert await client.execute_command("ECHO", "x") == b"x"
        finally:
            await client.aclose()
            proxy.reset_all()
            server.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(use_reset_connections())

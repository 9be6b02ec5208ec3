"""A server on a loopback port that converses over each connection as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def conversing(converse: Converse, **options: Any) -> AsyncIterator[tuple[asyncio.Server, int]]:
    """Serve until the block ends; give the server and its port. A conversation that is cut off just ends."""
    visits: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                await converse(reader, writer)
        finally:
            visits.discard(asyncio.current_task())  # type: ignore[arg-type]
            writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0, **options)
    try:
        yield server, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for visiting in visits:
            visiting.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close their sockets

"""A server on a loopback port that holds a given conversation over each connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def conversing(converse: Converse, **options: Any) -> AsyncIterator[tuple[asyncio.Server, int]]:
    """Serve until the block ends; return the server and its port. A conversation that is cut off just ends."""
    visits: set[asyncio.Task[None]] = set()

    async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit_task = asyncio.current_task()
        assert visit_task is not None
        visits.add(visit_task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
                await converse(reader, writer)
        finally:
            visits.discard(visit_task)
            writer.close()

    server = await asyncio.start_server(visit, "127.0.0.1", 0, **options)
    try:
        yield server, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for visit_task in visits:
            visit_task.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports close their sockets

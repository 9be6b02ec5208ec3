"""streaq: tasks on Redis Streams, on anyio."""

import asyncio

from clock import PAYLOAD, Clock, arguments
from streaq import Worker

url, messages = arguments()
clock = Clock(messages)
worker = Worker(redis_url=url)


@worker.task()
async def noop(_payload: str) -> None:
    clock.tick()


async def main() -> None:
    async with worker:
        await worker.enqueue_many([noop.enqueue(PAYLOAD) for _ in range(messages)])
    await worker.run_async()


asyncio.run(main())

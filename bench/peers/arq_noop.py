"""arq: jobs on a sorted set of Redis."""

import asyncio
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker
from clock import PAYLOAD, Clock, arguments

url, messages = arguments()
clock = Clock(messages)


async def noop(_context: Any, _payload: str) -> None:
    clock.tick()


async def main() -> None:
    settings = RedisSettings.from_dsn(url)
    pool = await create_pool(settings)
    for _ in range(messages):
        await pool.enqueue_job("noop", PAYLOAD)
    await Worker([noop], redis_settings=settings, burst=True, max_jobs=64, keep_result=0).async_run()


asyncio.run(main())

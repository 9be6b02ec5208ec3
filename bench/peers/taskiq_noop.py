"""taskiq-redis: a broker on Redis Streams."""

import asyncio

from clock import PAYLOAD, Clock, arguments
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

url, messages = arguments()
clock = Clock(messages)
broker = RedisStreamBroker(url)


@broker.task
async def noop(_payload: str) -> None:
    clock.tick()


async def main() -> None:
    await broker.startup()
    for _ in range(messages):
        await noop.kiq(PAYLOAD)
    await run_receiver_task(broker)


asyncio.run(main())

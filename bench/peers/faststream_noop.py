"""faststream: a subscriber in a consumer group of a Redis Stream."""

import asyncio

from clock import PAYLOAD, Clock, arguments
from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub

url, messages = arguments()
clock = Clock(messages)
broker = RedisBroker(url, logger=None)
app = FastStream(broker, logger=None)


@broker.subscriber(stream=StreamSub("noop", group="workers", consumer="one", max_records=100))
async def noop(_payload: str) -> None:
    clock.tick()


async def main() -> None:
    async with RedisBroker(url, logger=None) as filling:
        await filling._connection.xgroup_create("noop", "workers", id="0", mkstream=True)
        for _ in range(messages):
            await filling.publish(PAYLOAD, stream="noop")
    await app.run()


asyncio.run(main())

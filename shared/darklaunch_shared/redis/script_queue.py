"""Deliver script calls until the server takes them, batched across tasks.

Every script is safe to call again after a lost reply: admission knows what it has, finishing is fenced by ownership.
"""

import asyncio
from typing import Any, Final

from redis.exceptions import RedisError

from darklaunch_shared.process.backoff import Backoff

from .errors import is_transient
from .script_calls import ScriptCall, ScriptCaller

_Waiting = tuple[ScriptCall, asyncio.Future[Any]]

BATCH_CALLS: Final = 64


class ScriptQueue:
    """Sends calls until the server takes them, in batches across tasks.

    Only for scripts that can be sent again, because after a connection error the batch is. A call that fails because
    its key has another type is retried apart from the others, which do not wait for it.
    """

    def __init__(self, scripts: ScriptCaller) -> None:
        self._scripts = scripts
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue()

    async def call(self, call: ScriptCall) -> Any:
        """Return the reply of one call. Raises ResponseError if the server refuses it for good."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((call, reply))
        return await reply

    async def run(self) -> None:
        """Send the calls that are waiting, until cancelled."""
        async with asyncio.TaskGroup() as retries:
            while True:
                batch = [await self._waiting.get()]
                while len(batch) < BATCH_CALLS and not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                if wrong_type := await self._deliver(batch):
                    retries.create_task(self._retry_wrong_type(wrong_type))

    async def _retry_wrong_type(self, wrong_type: list[_Waiting]) -> None:
        backoff = Backoff()
        while wrong_type:
            await asyncio.sleep(backoff.next_s())
            wrong_type = await self._deliver(wrong_type)

    async def _deliver(self, batch: list[_Waiting]) -> list[_Waiting]:
        """Send calls until the server takes them. Return those whose key has another type."""
        backoff, wrong_type = Backoff(), list[_Waiting]()
        while batch:
            replies: list[Any]
            try:
                replies = await self._scripts.run([call for call, _ in batch])
            except (RedisError, OSError) as error:
                replies = [error] * len(batch)
            again: list[_Waiting] = []
            for (call, future), reply in zip(batch, replies, strict=True):
                if future.done():
                    continue
                if not isinstance(reply, Exception):
                    future.set_result(reply)
                elif is_transient(reply):
                    again.append((call, future))
                elif "WRONGTYPE" in str(reply):
                    wrong_type.append((call, future))
                else:
                    future.set_exception(reply)
            batch = again
            if batch:
                await asyncio.sleep(backoff.next_s())
        return wrong_type

"""Outcomes on their way to Redis: gathered for a moment, then passed on many at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.consumer import FINISH_BATCH, FinishedEntry, GroupConsumer
from redis.exceptions import RedisError

GATHER_S: Final = 0.005
ENOUGH: Final = FINISH_BATCH // 2
BATCH_BYTES: Final = 1_048_576

log = logging.getLogger("darklaunch.worker")


class OutcomeBatcher:
    """What one shard's exchanges came to."""

    def __init__(self, consumer: GroupConsumer, *, enough: int, leaves: Callable[[FinishedEntry, bool], None]) -> None:
        """`enough` outcomes wait for no others. `leaves` is told of each in the end, and whether it was passed on."""
        self._consumer, self._enough, self._leaves = consumer, min(enough, ENOUGH), leaves
        self._waiting: deque[FinishedEntry] = deque()
        self._some, self._many = asyncio.Event(), asyncio.Event()

    def add(self, outcome: FinishedEntry) -> None:
        """Have an outcome passed on soon."""
        self._waiting.append(outcome)
        if len(self._waiting) == 1:
            self._some.set()
        if len(self._waiting) >= self._enough:
            self._many.set()

    async def run(self) -> None:
        """Pass on what there is, for ever. Nothing that happens to one batch touches another."""
        while True:
            await self._some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._many.wait()
            await self._pass_on(self._next_batch())

    def _next_batch(self) -> list[FinishedEntry]:
        """Take what one call may hold; an outcome that is larger goes alone."""
        batch, size = list[FinishedEntry](), 0
        for outcome in islice(self._waiting, FINISH_BATCH):
            size += sum(map(len, outcome.next_fields.values()))
            if batch and size > BATCH_BYTES:
                break
            batch.append(outcome)
        for _ in batch:
            self._waiting.popleft()
        if not self._waiting:
            self._some.clear()
        if len(self._waiting) < self._enough:
            self._many.clear()
        return batch

    async def _pass_on(self, batch: list[FinishedEntry]) -> None:
        """Pass on a batch. What Redis refuses for good stays pending, to be claimed, or is gone with its stream."""
        finished = [False] * len(batch)
        try:
            finished = await self._consumer.finish(batch)
            crash_point("worker.passed_on")
        except (RedisError, OSError) as refused:
            gone = "NOGROUP" in str(refused)
            if len(batch) > 1 and not gone:  # perhaps for one of them only
                for outcome in batch:
                    await self._pass_on([outcome])
                return
            level = logging.DEBUG if gone else logging.ERROR
            log.log(level, "%s was not finished: %s", ", ".join(map(_name, batch)), refused)
        except Exception:
            log.exception("%s could not be passed on", ", ".join(map(_name, batch)))
        for outcome, passed_on in zip(batch, finished, strict=True):
            self._leaves(outcome, passed_on)


def _name(outcome: FinishedEntry) -> str:
    return f"exchange {outcome.next_fields[keys.ID].decode()}"

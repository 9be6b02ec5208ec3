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
    """The outcomes of one shard's exchanges that Redis does not have yet."""

    def __init__(
        self, consumer: GroupConsumer, *, enough: int, on_finished: Callable[[FinishedEntry, bool], None]
    ) -> None:
        """Pass `enough` outcomes on without waiting for more.

        `on_finished` is called with each outcome in the end, and whether it was passed on.
        """
        self._consumer = consumer
        self._enough = min(enough, ENOUGH)
        self._on_finished = on_finished
        self._outcomes: deque[FinishedEntry] = deque()
        self._has_some = asyncio.Event()
        self._has_enough = asyncio.Event()

    def add(self, outcome: FinishedEntry) -> None:
        """Queue an outcome, to be passed on within milliseconds."""
        self._outcomes.append(outcome)
        if len(self._outcomes) == 1:
            self._has_some.set()
        if len(self._outcomes) >= self._enough:
            self._has_enough.set()

    async def run(self) -> None:
        """Pass queued outcomes on until cancelled. Nothing that happens to one batch touches another."""
        while True:
            await self._has_some.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._has_enough.wait()
            await self._pass_on(self._next_batch())

    def _next_batch(self) -> list[FinishedEntry]:
        """Remove what one call may carry from the queue; an outcome over the bound goes alone."""
        batch = list[FinishedEntry]()
        size = 0
        for outcome in islice(self._outcomes, FINISH_BATCH):
            size += sum(map(len, outcome.next_fields.values()))
            if batch and size > BATCH_BYTES:
                break
            batch.append(outcome)
        for _ in batch:
            self._outcomes.popleft()
        if not self._outcomes:
            self._has_some.clear()
        if len(self._outcomes) < self._enough:
            self._has_enough.clear()
        return batch

    async def _pass_on(self, batch: list[FinishedEntry]) -> None:
        """Pass a batch on. What Redis refuses for good stays pending, to be claimed, or is gone with its stream."""
        passed_on = [False] * len(batch)
        try:
            passed_on = await self._consumer.finish(batch)
            crash_point("worker.passed_on")
        except (RedisError, OSError) as error:
            stream_is_gone = "NOGROUP" in str(error)
            if len(batch) > 1 and not stream_is_gone:  # it may be for one of them only
                for outcome in batch:
                    await self._pass_on([outcome])
                return
            level = logging.DEBUG if stream_is_gone else logging.ERROR
            log.log(level, "%s was not finished: %s", ", ".join(map(_name_exchange, batch)), error)
        except Exception:
            log.exception("%s could not be passed on", ", ".join(map(_name_exchange, batch)))
        for outcome, is_passed_on in zip(batch, passed_on, strict=True):
            self._on_finished(outcome, is_passed_on)


def _name_exchange(outcome: FinishedEntry) -> str:
    exchange_id = outcome.next_fields.get(keys.ID)
    return f"exchange {exchange_id.decode()}" if exchange_id else f"entry {outcome.entry_id}"

"""One shard of a launch: take replays, compare them, record the results, acknowledge the entries.

An entry is acknowledged only after its row is committed. If anything goes wrong in between, it is delivered again, and
its row already exists. Two tasks share the shard: while one waits for Postgres, the other reads and compares. When both
wait, the streams keep what Postgres cannot accept yet.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

import anyio
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.process.shutdown import StopEvent
from darklaunch_shared.redis.consumer import ClaimedEntry, GroupConsumer
from redis.exceptions import RedisError

from darklaunch_comparator.compare import KnownNoise
from darklaunch_comparator.results.result import UNKNOWN, ExchangeResult
from darklaunch_comparator.settings import ComparatorSettings

from .assess import LaunchRules, assess_entry
from .result_writer import RefusedResult, WriterStopped
from .writer_pool import WriterPool

CLAIM_EVERY_S: Final = 5.0
LEAVE_LIMIT_S: Final = 3.0
RETRY_AFTER_S: Final = 1.0
TASKS: Final = 2
FIRST_ENTRIES: Final = 50
"""How many entries the first read takes, while their size is unknown."""
SLICE_S: Final = 0.01
"""How long a shard compares before others get their turn, however slow its bodies are to compare."""

log = logging.getLogger("darklaunch.comparator")


class CompareConsumer:
    """The consumer of one shard. `recorded` counts the entries whose rows are in Postgres, duplicates included."""

    def __init__(
        self,
        consumer: GroupConsumer,
        writers: WriterPool,
        rules: Callable[[], LaunchRules],
        noise: Callable[[], Mapping[str, KnownNoise]],
        settings: ComparatorSettings,
    ) -> None:
        self.recorded = 0
        self._consumer = consumer
        self._writers = writers
        self._rules = rules
        self._noise = noise
        self._settings = settings
        self._launch = consumer.streams.launch
        self._held: dict[str, ClaimedEntry] = {}
        self._reading = anyio.Lock()
        self._claim_every_s = min(CLAIM_EVERY_S, settings.lease_s)
        self._claim_at_s = time.monotonic() + random.uniform(0, self._claim_every_s)
        self._room_bytes = settings.batch_bytes / TASKS
        self._mean_bytes = self._room_bytes / FIRST_ENTRIES

    async def run(self, stop: StopEvent) -> None:
        """Record batches until `stop` is set; then hand back the entries that are not recorded, and leave the group."""
        try:
            async with anyio.create_task_group() as upkeep:
                upkeep.start_soon(self._keep_leases)
                async with anyio.create_task_group() as tasks:
                    for _ in range(TASKS):
                        tasks.start_soon(self._work, stop)
                upkeep.cancel_scope.cancel()
        finally:
            with anyio.move_on_after(LEAVE_LIMIT_S, shield=True):
                await self._leave()

    async def _work(self, stop: StopEvent) -> None:
        while not stop.is_set():
            batch: dict[str, ClaimedEntry] = {}
            try:
                async with self._reading:
                    if stop.is_set():
                        break
                    deliveries = await self._gather()
                    batch = {delivery.entry_id: delivery for delivery in deliveries}
                    self._held |= batch
                    found = await self._assess(deliveries)
                if found:
                    await self._record(found)
            except WriterStopped:
                break  # what is held is handed back
            except Exception:  # what was held is claimed after a lease, and buried when it happens every time
                log.exception("%s: a batch of %d failed", self._consumer.streams.source, len(batch))
                self._forget(batch)
                await anyio.sleep(RETRY_AFTER_S)
            else:
                self._forget(batch)

    def _forget(self, batch: Iterable[str]) -> None:
        for entry_id in batch:
            self._held.pop(entry_id, None)

    async def _gather(self) -> list[ClaimedEntry]:
        """Claim the entries that other consumers abandoned, or read new ones; a small batch waits briefly for more."""
        room = int(max(1, min(self._settings.batch_entries, self._room_bytes / self._mean_bytes)))
        if time.monotonic() >= self._claim_at_s:
            self._claim_at_s = time.monotonic() + self._claim_every_s * random.uniform(0.8, 1.2)
            if claimed := await self._consumer.claim(room):
                return claimed
        deliveries = await self._consumer.read(room, wait_ms=self._settings.wait_ms)
        if 0 < len(deliveries) < room and self._settings.batch_wait_ms:
            await anyio.sleep(self._settings.batch_wait_ms / 1000)
            deliveries += await self._consumer.read(room - len(deliveries), wait_ms=1)
        if deliveries:
            read_bytes = sum([sum(map(len, delivery.fields.values())) for delivery in deliveries])
            self._mean_bytes = max(1.0, read_bytes / len(deliveries))
        return deliveries

    async def _record(self, found: list[tuple[ClaimedEntry, ExchangeResult]]) -> None:
        by_exchange = {result.exchange_id: delivery for delivery, result in found}
        crash_point("comparator.compared")
        refused = await self._writers.record(self._launch, [result for _, result in found])
        crash_point("comparator.committed")
        refused_ids = {by_exchange[refusal.result.exchange_id].entry_id for refusal in refused}
        await self._acknowledge([delivery for delivery, _ in found if delivery.entry_id not in refused_ids])
        crash_point("comparator.acknowledged")
        for refusal in refused:
            await self._give_up(by_exchange[refusal.result.exchange_id], refusal)
        self.recorded += len(found) - len(refused)

    async def _assess(self, deliveries: list[ClaimedEntry]) -> list[tuple[ClaimedEntry, ExchangeResult]]:
        rules, noise = self._rules(), self._noise()
        found: list[tuple[ClaimedEntry, ExchangeResult]] = []
        until_s = time.monotonic() + SLICE_S
        for delivery in deliveries:
            try:
                found.append((delivery, assess_entry(self._launch, delivery.fields, rules, noise)))
            except BadEntry as broken:
                await self._bury(delivery, str(broken))
            except Exception as error:
                log.exception("%s: entry %s cannot be read", self._consumer.streams.source, delivery.entry_id)
                await self._bury(delivery, f"comparator error: {type(error).__name__}: {error}")
            if time.monotonic() >= until_s:
                await asyncio.sleep(0)
                until_s = time.monotonic() + SLICE_S
        return found

    async def _acknowledge(self, deliveries: list[ClaimedEntry]) -> None:
        try:
            await self._consumer.acknowledge([delivery.entry_id for delivery in deliveries], "recorded")
        except RedisError as gone:  # with their stream, and so they need nothing
            log.debug("%s: nothing to acknowledge: %s", self._consumer.streams.source, gone)

    async def _give_up(self, delivery: ClaimedEntry, refusal: RefusedResult) -> None:
        """Bury an entry whose row is refused.

        A notice of a loss has no payload, so it is recorded without its details.
        """
        result = refusal.result
        if result.outcome not in ("dropped", "dead"):
            await self._bury(delivery, f"Postgres refuses its row: {refusal.reason}")
            return
        bare = replace(result, endpoint=UNKNOWN, method=UNKNOWN, captured_at_ms=time.time_ns() // 1_000_000)
        for again in await self._writers.record(self._launch, [bare]):
            log.error("%s: %s stays unrecorded: %s", self._consumer.streams.source, result.exchange_id, again.reason)
        await self._acknowledge([delivery])

    async def _bury(self, delivery: ClaimedEntry, reason: str) -> None:
        try:
            await self._consumer.bury(delivery, reason.encode("utf-8", "replace").decode()[:1000])
        except RedisError as gone:  # with its stream
            log.warning("%s: entry %s was not buried: %s", self._consumer.streams.source, delivery.entry_id, gone)

    async def _keep_leases(self) -> None:
        while True:
            await anyio.sleep(self._settings.lease_s / 3)
            try:
                await self._consumer.extend(list(self._held))
            except RedisError as gone:
                log.debug("%s: no lease to extend: %s", self._consumer.streams.source, gone)

    async def _leave(self) -> None:
        try:
            await self._consumer.hand_back(list(self._held))
            await self._consumer.leave()
        except (RedisError, OSError) as error:
            log.debug("%s: could not leave the consumer group: %s", self._consumer.streams.source, error)

"""One shard of a launch: take exchanges, settle them, pass them on, and keep what is in hand alive meanwhile.

Each exchange crosses four boundaries, and the process may die at any of them without losing or doubling it: it is
*taken* (pending in the group), *sent*, has an *outcome* (in memory only), and is *finished* (one script).
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from typing import Final

import anyio
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import AsyncRedisClient
from darklaunch_shared.redis.consumer import ClaimedEntry, FinishedEntry, GroupConsumer
from darklaunch_shared.wire.exchange import read_exchange_id
from redis.exceptions import RedisError

from .launch_context import LaunchContext
from .launch_mode import ReplayMode
from .outcome_batcher import OutcomeBatcher
from .replay import ExchangeOutcome, ReplayedExchange, conclude, settle

CLAIM_EVERY_S: Final = 5.0
IDLE_S: Final = 0.25
ONWARD_EVERY_S: Final = 0.5
BLOCK_MS: Final = 250  # a read cannot be cut short without losing its reply, so that a stop waits for it
PROBE_BLOCK_MS: Final = 50
GATHER_S: Final = 0.002
PARTING_S: Final = 3.0
FINISH_S: Final = 1.0
LAST_READ_S: Final = 2.0
UNFINISHED: Final = 2
"""How many times the concurrency may be in hand altogether: replays under way, and outcomes on their way to Redis."""

log = logging.getLogger("darklaunch.worker")


@dataclass(slots=True, eq=False)
class HeldExchange:
    """An exchange in hand. `shown_s` is when its lease last began; `probe` lets it pass an open breaker."""

    delivery: ClaimedEntry
    shown_s: float
    probe: bool
    task: asyncio.Task[None] | None = None


class ReplayConsumer:
    """Works on one shard of a launch until told to stop. `replayed` counts what it passed on."""

    def __init__(self, consumer: GroupConsumer, redis: AsyncRedisClient, desk: LaunchContext) -> None:
        self.replayed = 0
        self._consumer, self._redis, self._desk = consumer, redis, desk
        self._breaker = desk.protection.breaker
        self._held: dict[str, HeldExchange] = {}
        self._outbox = OutcomeBatcher(consumer, enough=desk.concurrency, leaves=self._passed_on)
        self._claim_at_s = 0.0
        self._onward_full = True  # until known

    async def run(self, until: anyio.Event) -> None:
        """Take and settle exchanges; then let what is under way end, hand the rest back, and leave the group."""
        left: list[str] = []
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(self._keep_leases)
            upkeep.start_soon(self._watch_onward)
            upkeep.start_soon(self._outbox.run)
            async with asyncio.TaskGroup() as work:  # a task of anyio's costs five times as much to start
                with anyio.CancelScope() as taking:
                    upkeep.start_soon(_cut_short, taking, until)
                    while not until.is_set():
                        for held in await self._take():
                            held.task = work.create_task(self._work(held))
                left = await self._let_end()
            upkeep.cancel_scope.cancel()
        await self._part(left)

    async def _take(self) -> list[HeldExchange]:
        now_s = time.monotonic()
        mode = self._desk.orders().mode
        room = self._room(mode, now_s)
        if room < 1:
            await self._desk.slots.wait_for_change(IDLE_S)
            return []
        if self._held and room < self._desk.protection.limit.limit // 4:
            await anyio.sleep(GATHER_S)  # others end meanwhile: reading one at a time costs more than replaying it
            room = self._room(mode, time.monotonic())
            if room < 1:
                return []
        probe = mode is ReplayMode.REPLAY and not self._breaker.closed
        if probe:
            self._breaker.begin_probe()
        deliveries = await self._claim(room, now_s) if now_s >= self._claim_at_s else []
        if not deliveries:
            deliveries = await self._consumer.read(room, wait_ms=PROBE_BLOCK_MS if probe else BLOCK_MS)
        # A claim can bring back what is still in hand here, after a time when no lease could be extended.
        fresh = [delivery for delivery in deliveries if delivery.entry_id not in self._held]
        if probe and not fresh:
            self._breaker.end_probe()
            await self._desk.slots.wait_for_change(IDLE_S)
        return [self._hold(delivery, probe=probe) for delivery in fresh]

    def _room(self, mode: ReplayMode, now_s: float) -> int:
        """Say how many exchanges may be taken now. Those that may not wait on the stream, which is what it is for."""
        unfinished = UNFINISHED * self._desk.concurrency - len(self._held)
        if mode is ReplayMode.WAIT or self._onward_full:
            return 0
        if mode is ReplayMode.SETTLE:
            return unfinished
        if not self._breaker.closed:
            return min(unfinished, int(self._breaker.probe_due(now_s)))
        return int(min(unfinished, self._desk.slots.free, self._desk.protection.bucket.room(now_s)))

    async def _claim(self, room: int, now_s: float) -> list[ClaimedEntry]:
        claimed = await self._consumer.claim(room)
        pause_s = min(CLAIM_EVERY_S, self._desk.lease_s / 2) * random.uniform(0.8, 1.2)
        self._claim_at_s = now_s if len(claimed) == room else now_s + pause_s
        return claimed

    def _hold(self, delivery: ClaimedEntry, *, probe: bool) -> HeldExchange:
        held = self._held[delivery.entry_id] = HeldExchange(delivery, time.monotonic(), probe)
        self._desk.slots.claimed += 1
        return held

    async def _work(self, held: HeldExchange) -> None:
        """Take one exchange to its outcome. Nothing that happens to it touches another."""
        delivery = held.delivery
        crash_point("worker.received")
        try:
            settled = await self._settle(held)
            crash_point("worker.packed")
            if settled is not None:
                self._outbox.add(FinishedEntry(delivery.entry_id, settled.onward, settled.counter))
                return
            await self._consumer.hand_back([delivery.entry_id])
            self._claim_at_s = 0.0
        except BadEntry as bad:
            await self._bury(delivery, str(bad))
        except (RedisError, OSError) as refused:
            _report(delivery, refused)
        except Exception as bug:
            log.exception("exchange %s could not be worked on", _name(delivery))
            await self._bury(delivery, f"worker error: {type(bug).__name__}: {bug}"[:300])
        self._let_go(held)

    def _passed_on(self, outcome: FinishedEntry, finished: bool) -> None:
        self.replayed += finished and outcome.counter == "replayed"
        self._let_go(self._held[outcome.entry_id])

    def _let_go(self, held: HeldExchange) -> None:
        del self._held[held.delivery.entry_id]
        if held.probe:
            self._breaker.end_probe()
        self._desk.slots.changed()

    async def _settle(self, held: HeldExchange) -> ExchangeOutcome | None:
        try:
            settled = await settle(self._desk, held.delivery, probe=held.probe)
        finally:
            self._desk.slots.claimed -= 1
        return await conclude(self._desk, settled) if isinstance(settled, ReplayedExchange) else settled

    async def _bury(self, delivery: ClaimedEntry, reason: str) -> None:
        try:
            await self._consumer.bury(delivery, reason)
        except (RedisError, OSError) as refused:
            _report(delivery, refused)

    async def _keep_leases(self) -> None:
        """Extend what is held longer than a third of its lease, so that only the silent lose their exchanges."""
        while True:
            await anyio.sleep(self._desk.lease_s / 6)
            now_s = time.monotonic()
            due = [held for held in self._held.values() if now_s - held.shown_s > self._desk.lease_s / 3]
            try:
                await self._consumer.extend([held.delivery.entry_id for held in due])
            except (RedisError, OSError) as refused:
                log.debug("leases not extended: %s", refused)
                continue
            for held in due:
                held.shown_s = now_s

    async def _watch_onward(self) -> None:
        """Stop taking while the next stream is over its bound: exchanges wait here, not there."""
        while True:
            try:
                length = int(await self._redis.execute_command("XLEN", self._consumer.streams.replays))
                if self._onward_full != (length >= self._desk.spec.max_entries):
                    self._onward_full = not self._onward_full
                    self._desk.slots.changed()
            except (RedisError, OSError) as refused:
                log.debug("length of %s unknown: %s", self._consumer.streams.replays, refused)
            await anyio.sleep(ONWARD_EVERY_S)

    async def _let_end(self) -> list[str]:
        """Wait for what is in hand, no longer than a replay may take, and give the ids of what had to be cut off."""
        with anyio.move_on_after(self._desk.spec.deadline_s + FINISH_S):
            while self._held:
                await self._desk.slots.wait_for_change(IDLE_S)
        crash_point("worker.stopping")
        left = list(self._held.values())
        for held in left:
            if held.task is not None:
                held.task.cancel()
        return [held.delivery.entry_id for held in left]

    async def _part(self, left: list[str]) -> None:
        with anyio.move_on_after(PARTING_S):
            try:
                await self._consumer.hand_back(left)
                await self._consumer.leave()
            except (RedisError, OSError) as refused:
                log.warning("%s: not left properly, others take over: %s", self._consumer.streams.source, refused)


async def _cut_short(taking: anyio.CancelScope, until: anyio.Event) -> None:
    """Give up a last read that gets no reply. What it may have taken is pending and will be claimed."""
    await until.wait()
    await anyio.sleep(LAST_READ_S)
    taking.cancel()


def _report(delivery: ClaimedEntry, refused: RedisError | OSError) -> None:
    """Log why an exchange was not finished. It is pending still and will be claimed, or is gone with its stream."""
    level = logging.DEBUG if "NOGROUP" in str(refused) else logging.ERROR
    log.log(level, "exchange %s was not finished: %s", _name(delivery), refused)


def _name(delivery: ClaimedEntry) -> str:
    try:
        return read_exchange_id(delivery.fields)
    except BadEntry:
        return f"in entry {delivery.entry_id}"

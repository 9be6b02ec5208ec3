"""One shard of a launch: take exchanges, replay them, pass the outcomes on, and keep what was taken leased meanwhile.

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

from .admission.entry_fence import EntryFence
from .admission.orders import ReplayMode
from .outcome_batcher import OutcomeBatcher
from .protection.pacing import ReplayPacer
from .replay.launch_context import LaunchContext
from .replay.replay import ExchangeOutcome, ReplayedExchange, complete_replay, replay_exchange

CLAIM_EVERY_S: Final = 5.0
IDLE_S: Final = 0.25
LENGTH_EVERY_S: Final = 0.5
READ_WAIT_MS: Final = 250  # a read cannot be cut short without losing its reply, so that a stop waits for it
PROBE_READ_WAIT_MS: Final = 50
GATHER_S: Final = 0.002
PACE_S: Final = 0.001  # shorter waits would cost more than they spread
LEAVE_S: Final = 3.0
FINISH_S: Final = 1.0
LAST_READ_S: Final = 2.0
UNFINISHED: Final = 2
"""How many times the concurrency may be claimed altogether: replays under way, and outcomes on their way to Redis."""

log = logging.getLogger("darklaunch.worker")


@dataclass(slots=True, eq=False)
class ClaimedExchange:
    """An exchange that this process works on.

    `leased_s` is when its lease last began, on a monotonic clock; a `probe` may pass an open breaker.
    """

    entry: ClaimedEntry
    leased_s: float
    probe: bool
    task: asyncio.Task[None] | None = None


class ReplayConsumer:
    """A consumer of one shard of a launch. `replayed` counts the replays that it passed on."""

    def __init__(
        self,
        consumer: GroupConsumer,
        redis: AsyncRedisClient,
        context: LaunchContext,
        fence: EntryFence | None = None,
    ) -> None:
        """Entries are replayed however often they were copied unless there is a `fence`."""
        self.replayed = 0
        self._consumer = consumer
        self._redis = redis
        self._context = context
        self._fence = fence
        self._breaker = context.protection.breaker
        self._claimed: dict[str, ClaimedExchange] = {}  # by entry id
        self._batcher = OutcomeBatcher(consumer, enough=context.concurrency, on_finished=self._record_finished)
        self._pacer = ReplayPacer()
        self._gap_s = 0.0  # from the start of one replay of the latest read to that of the next
        self._claim_at_s = 0.0
        self._onward_full = True  # until its length is known

    async def run(self, until: anyio.Event) -> None:
        """Take and replay exchanges; then let what is under way end, hand the rest back, and leave the group."""
        unfinished_ids: list[str] = []
        async with anyio.create_task_group() as upkeep:
            upkeep.start_soon(self._keep_leases)
            upkeep.start_soon(self._watch_onward_length)
            upkeep.start_soon(self._batcher.run)
            async with asyncio.TaskGroup() as work:  # a task of anyio's costs five times as much to start
                with anyio.CancelScope() as taking:
                    upkeep.start_soon(_cancel_last_read, taking, until)
                    while not until.is_set():
                        await self._start(await self._take(), work, until)
                unfinished_ids = await self._await_claimed()
            upkeep.cancel_scope.cancel()
        await self._leave(unfinished_ids)

    async def _start(self, taken: list[ClaimedExchange], work: asyncio.TaskGroup, until: anyio.Event) -> None:
        """Start to work on exchanges, one after the other at the pace of the primary's traffic."""
        due_s = time.monotonic()
        for claimed in taken:
            if self._gap_s and not until.is_set():
                wait_s = due_s - time.monotonic()
                if wait_s >= PACE_S:
                    await anyio.sleep(wait_s)
                due_s += self._gap_s
            claimed.task = work.create_task(self._work_on(claimed))

    async def _take(self) -> list[ClaimedExchange]:
        now_s = time.monotonic()
        mode = self._context.orders().mode
        room = self._compute_room(mode, now_s)
        if room < 1:
            await self._context.slots.wait_for_change(IDLE_S)
            return []
        if self._claimed and room < self._context.protection.limit.limit // 4:
            await anyio.sleep(GATHER_S)  # others end meanwhile: reading one at a time costs more than replaying it
            room = self._compute_room(mode, time.monotonic())
            if room < 1:
                return []
        probe = mode is ReplayMode.REPLAY and not self._breaker.closed
        if probe:
            self._breaker.begin_probe()
        entries = await self._claim(room, now_s) if now_s >= self._claim_at_s else []
        if not entries:
            entries = await self._consumer.read(room, wait_ms=PROBE_READ_WAIT_MS if probe else READ_WAIT_MS)
        entry_ids = [entry.entry_id for entry in entries]
        self._gap_s = self._pacer.compute_gap_s(entry_ids, more_waiting=len(entries) >= room)
        if mode is not ReplayMode.REPLAY:
            self._gap_s = 0.0
        # A claim can return what is still worked on here, after a time when no lease could be extended.
        new_entries = [entry for entry in entries if entry.entry_id not in self._claimed]
        if probe and not new_entries:
            self._breaker.end_probe()
            await self._context.slots.wait_for_change(IDLE_S)
        return [self._record_claimed(entry, probe=probe) for entry in new_entries]

    def _compute_room(self, mode: ReplayMode, now_s: float) -> int:
        """Return how many exchanges may be taken now. The others wait on the stream, which is what it is for."""
        room = UNFINISHED * self._context.concurrency - len(self._claimed)
        if mode is ReplayMode.WAIT or self._onward_full:
            return 0
        if mode is ReplayMode.DROP:
            return room
        if not self._breaker.closed:
            return min(room, int(self._breaker.probe_due(now_s)))
        return int(min(room, self._context.slots.free, self._context.protection.bucket.room(now_s)))

    async def _claim(self, room: int, now_s: float) -> list[ClaimedEntry]:
        entries = await self._consumer.claim(room)
        pause_s = min(CLAIM_EVERY_S, self._context.lease_s / 2) * random.uniform(0.8, 1.2)
        self._claim_at_s = now_s if len(entries) == room else now_s + pause_s
        return entries

    def _record_claimed(self, entry: ClaimedEntry, *, probe: bool) -> ClaimedExchange:
        claimed = self._claimed[entry.entry_id] = ClaimedExchange(entry, time.monotonic(), probe)
        self._context.slots.claimed += 1
        return claimed

    async def _work_on(self, claimed: ClaimedExchange) -> None:
        """Take one exchange to its outcome. Nothing that happens to it touches another."""
        entry = claimed.entry
        crash_point("worker.received")
        try:
            outcome = await self._replay(claimed)
            crash_point("worker.packed")
            if outcome is not None:
                self._batcher.add(FinishedEntry(entry.entry_id, outcome.onward, outcome.counter))
                return
            await self._consumer.hand_back([entry.entry_id])
            self._claim_at_s = 0.0
        except BadEntry as error:
            await self._bury(entry, str(error))
        except (RedisError, OSError) as error:
            _log_unfinished(entry, error)
        except Exception as error:
            log.exception("exchange %s could not be worked on", _name_exchange(entry))
            await self._bury(entry, f"worker error: {type(error).__name__}: {error}"[:300])
        self._forget(claimed)

    async def _replay(self, claimed: ClaimedExchange) -> ExchangeOutcome | None:
        try:
            outcome = await replay_exchange(self._context, claimed.entry, fence=self._fence, probe=claimed.probe)
        finally:
            self._context.slots.claimed -= 1
        return await complete_replay(self._context, outcome) if isinstance(outcome, ReplayedExchange) else outcome

    def _record_finished(self, outcome: FinishedEntry, passed_on: bool) -> None:
        self.replayed += passed_on and outcome.counter == "replayed"
        self._forget(self._claimed[outcome.entry_id])

    def _forget(self, claimed: ClaimedExchange) -> None:
        del self._claimed[claimed.entry.entry_id]
        if claimed.probe:
            self._breaker.end_probe()
        self._context.slots.wake_waiting()

    async def _bury(self, entry: ClaimedEntry, reason: str) -> None:
        try:
            await self._consumer.bury(entry, reason)
        except (RedisError, OSError) as error:
            _log_unfinished(entry, error)

    async def _keep_leases(self) -> None:
        """Extend each lease when a third of it is over, so that only silent processes lose their exchanges."""
        while True:
            await anyio.sleep(self._context.lease_s / 6)
            now_s = time.monotonic()
            due = [
                claimed for claimed in self._claimed.values() if now_s - claimed.leased_s > self._context.lease_s / 3
            ]
            try:
                await self._consumer.extend([claimed.entry.entry_id for claimed in due])
            except (RedisError, OSError) as error:
                log.debug("leases not extended: %s", error)
                continue
            for claimed in due:
                claimed.leased_s = now_s

    async def _watch_onward_length(self) -> None:
        """Stop taking while the stream of replays is over its bound: exchanges wait here, not there."""
        while True:
            try:
                length = int(await self._redis.execute_command("XLEN", self._consumer.streams.replays))
                if self._onward_full != (length >= self._context.spec.max_entries):
                    self._onward_full = not self._onward_full
                    self._context.slots.wake_waiting()
            except (RedisError, OSError) as error:
                log.debug("length of %s unknown: %s", self._consumer.streams.replays, error)
            await anyio.sleep(LENGTH_EVERY_S)

    async def _await_claimed(self) -> list[str]:
        """Wait for what is under way, no longer than a replay may take; return the entry ids of what was cut off."""
        with anyio.move_on_after(self._context.spec.deadline_s + FINISH_S):
            while self._claimed:
                await self._context.slots.wait_for_change(IDLE_S)
        crash_point("worker.stopping")
        unfinished = list(self._claimed.values())
        for claimed in unfinished:
            if claimed.task is not None:
                claimed.task.cancel()
        return [claimed.entry.entry_id for claimed in unfinished]

    async def _leave(self, unfinished_ids: list[str]) -> None:
        with anyio.move_on_after(LEAVE_S):
            try:
                await self._consumer.hand_back(unfinished_ids)
                await self._consumer.leave()
            except (RedisError, OSError) as error:
                log.warning("%s: could not leave the group, others take over: %s", self._consumer.streams.source, error)


async def _cancel_last_read(taking: anyio.CancelScope, until: anyio.Event) -> None:
    """Cancel a last read that gets no reply. The entries it may have taken are pending and will be claimed."""
    await until.wait()
    await anyio.sleep(LAST_READ_S)
    taking.cancel()


def _log_unfinished(entry: ClaimedEntry, error: RedisError | OSError) -> None:
    """Log why an exchange was not finished. It is pending still and will be claimed, or is gone with its stream."""
    level = logging.DEBUG if "NOGROUP" in str(error) else logging.ERROR
    log.log(level, "exchange %s was not finished: %s", _name_exchange(entry), error)


def _name_exchange(entry: ClaimedEntry) -> str:
    try:
        return read_exchange_id(entry.fields)
    except BadEntry:
        return f"in entry {entry.entry_id}"

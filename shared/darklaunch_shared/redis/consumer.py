"""The consumer recipe: one member of a consumer group on one launch shard. Workers and comparators share it.

Read, work, finish. Entries whose consumer went silent are claimed after a lease; finishing is fenced by ownership, so
a slow consumer that lost an entry cannot settle it a second time; entries that nobody survives are buried. A server
that is away, loading or failing over is waited for and never counted against an entry.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from redis.exceptions import RedisError, ResponseError

from darklaunch_shared import keys
from darklaunch_shared.process.backoff import Backoff
from darklaunch_shared.process.crash_points import reached
from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.dead_letter import pack_dead, pack_notice
from darklaunch_shared.wire.exchange import Fields

from .client import BLOCK_MS, AsyncRedisClient, as_dict
from .script_queue import Argument, ScriptCall, ScriptCaller, ScriptQueue, is_transient

MAX_DELIVERIES: Final = 5
DEAD_BOUND: Final = 10_000
SETTLED_AT_ONCE: Final = 500
FINISHED_AT_ONCE: Final = 128
"""How many by one call. The server does nothing else meanwhile: about a millisecond."""

log = logging.getLogger("darklaunch.stream")


@dataclass(frozen=True, slots=True)
class ShardStreams:
    """One launch shard as one consumer group works on it: where entries come from and where outcomes go."""

    launch: str
    shard: int
    group: str
    source: str
    onward: str
    dead: str
    replays: str
    ledger: str


def worker_lane(launch: str, shard: int) -> ShardStreams:
    """Describe the lane from exchanges to replays."""
    return _lane(launch, shard, keys.WORKER_GROUP, keys.captures(launch, shard))


def comparator_lane(launch: str, shard: int) -> ShardStreams:
    """Describe the lane from replays to Postgres; nothing follows it on Redis."""
    return _lane(launch, shard, keys.COMPARATOR_GROUP, keys.replays(launch, shard))


def _lane(launch: str, shard: int, group: str, source: str) -> ShardStreams:
    replays = keys.replays(launch, shard)
    return ShardStreams(
        launch, shard, group, source, replays, keys.dead(launch, shard), replays, keys.ledger(launch, shard)
    )


@immutable
class ClaimedEntry:
    """One entry in this consumer's hands; `deliveries` counts how often it was handed out, this time included."""

    entry_id: str
    fields: Fields
    deliveries: int


class FinishedEntry(NamedTuple):
    """What becomes of an entry: the fields to pass on, none for nothing, and the ledger's counter for it."""

    entry_id: str
    onward: Fields
    counter: str


class GroupConsumer:
    """One named member of a lane's group. `name` is unique per process start; `lease_s` is the idle time to claim."""

    def __init__(
        self, redis: AsyncRedisClient, queue: ScriptQueue, lane: ShardStreams, *, name: str, lease_s: float
    ) -> None:
        self.lane, self.name = lane, name
        self._redis, self._queue, self._scripts = redis, queue, ScriptCaller(redis)
        self._lease_ms = int(lease_s * 1000)
        self._backoff = Backoff()

    async def read(self, count: int, *, block_ms: int = BLOCK_MS) -> list[ClaimedEntry]:
        """Take up to `count` new entries, waiting for the first. Returns none after an error, having backed off."""
        try:
            reply = await self._redis.execute_command(
                "XREADGROUP", "GROUP", self.lane.group, self.name, "COUNT", count, "BLOCK", block_ms,
                "STREAMS", self.lane.source, ">",
            )  # fmt: skip
        except (RedisError, OSError) as error:
            await self._wait_out(error)
            return []
        self._recovered()
        if reply:
            reached("consumer.1")
        return _entries(reply)

    async def claim(self, count: int) -> list[ClaimedEntry]:
        """Take over up to `count` entries left by silent consumers, and bury those that nobody survived."""
        if count < 1:
            return []
        args = (self.lane.group, self.name, self._lease_ms, MAX_DELIVERIES, count)
        try:
            claimed, poison = await self._scripts.call(ScriptCall("claim", (self.lane.source, self.lane.ledger), args))
            if claimed or poison:
                reached("consumer.2")
        except (RedisError, OSError) as error:
            await self._wait_out(error)
            return []
        for delivery in _deliveries(poison):
            try:  # one that cannot be buried now is found again; what was claimed with it must not wait
                await self.bury(delivery, f"delivered {delivery.deliveries} times without an outcome", insist=False)
            except (RedisError, OSError) as error:
                log.error("%s: entry %s was not buried: %s", self.lane.source, delivery.entry_id, error)
        return _deliveries(claimed)

    async def extend(self, entry_ids: Sequence[str]) -> None:
        """Show that these entries are still worked on, past any outcome that waits in line. Raises RedisError."""
        if entry_ids:
            await self._scripts.call(
                ScriptCall("extend", (self.lane.source,), (self.lane.group, self.name, *entry_ids))
            )
            reached("consumer.5")

    async def finish(self, outcomes: Sequence[FinishedEntry]) -> list[bool]:
        """Settle entries and pass their outcomes on, by one call. False: another consumer owns that one by now.

        Give at most FINISHED_AT_ONCE. Raises ResponseError when the server refuses them for good.
        """
        args: list[Argument] = [self.lane.group, self.name]
        for entry_id, onward, counter in outcomes:
            args += (entry_id, counter, 2 * len(onward))
            for pair in onward.items():
                args += pair
        names = (self.lane.source, self.lane.onward, self.lane.ledger)
        return [finished == 1 for finished in await self._queue.call(ScriptCall("finish", names, args))]

    async def settle(self, entry_ids: Sequence[str], counter: str) -> int:
        """Settle entries that nothing follows, and return how many: those that another consumer owns by now are not."""
        settled = 0
        for first in range(0, len(entry_ids), SETTLED_AT_ONCE):
            ids = entry_ids[first : first + SETTLED_AT_ONCE]
            args: tuple[Argument, ...] = (self.lane.group, self.name, counter, *ids)
            call = ScriptCall("settle", (self.lane.source, self.lane.ledger), args)
            try:
                settled += await self._scripts.call(call)
            except (RedisError, OSError) as error:
                if not is_transient(error):
                    raise
                settled += await self._queue.call(call)  # sends it again until the server answers
        return settled

    async def bury(self, delivery: ClaimedEntry, reason: str, *, insist: bool = True) -> bool:
        """Move an entry to the dead stream with its payload. False: another consumer owns it by now.

        `insist` waits until the server takes it. Raises RedisError and OSError.
        """
        at_ms = time.time_ns() // 1_000_000
        notice = pack_notice(delivery.fields, delivery.entry_id, self.lane.launch)
        body = _flat(pack_dead(delivery.fields, reason, self.lane.group, delivery.deliveries, at_ms))
        counter = "dead" if notice else "foreign"
        log.warning("%s: entry %s is dead: %s", self.lane.source, delivery.entry_id, reason)
        names = (self.lane.source, self.lane.dead, self.lane.replays, self.lane.ledger)
        who = (self.lane.group, self.name, delivery.entry_id)
        call = ScriptCall("bury", names, (*who, counter, DEAD_BOUND, len(body), *body, *_flat(notice)))
        reached("consumer.3")
        buried = bool(await (self._queue if insist else self._scripts).call(call))
        reached("consumer.4")
        return buried

    async def hand_back(self, entry_ids: Sequence[str]) -> None:
        """Give entries back at shutdown, so that another consumer takes them at once. Raises RedisError."""
        if entry_ids:
            args: tuple[Argument, ...] = (self.lane.group, self.name, self._lease_ms, *entry_ids)
            reached("consumer.6")
            await self._scripts.call(ScriptCall("hand_back", (self.lane.source,), args))
            reached("consumer.7")

    async def leave(self) -> None:
        """Leave the group when nothing is pending. Raises RedisError."""
        await self._scripts.call(ScriptCall("leave", (self.lane.source,), (self.lane.group, self.name)))
        reached("consumer.8")

    async def _wait_out(self, error: RedisError | OSError) -> None:
        if isinstance(error, ResponseError) and ("NOGROUP" in str(error) or "UNBLOCKED" in str(error)):
            try:  # the stream is new, was deleted, or flushed: the group starts at its beginning
                await self._scripts.call(ScriptCall("join", (self.lane.source,), (self.lane.group,)))
                return
            except (RedisError, OSError) as refused:
                error = refused
        if self._backoff.failures == 0:
            level = logging.WARNING if is_transient(error) else logging.ERROR
            log.log(level, "%s: %s; trying again until it passes", self.lane.source, error)
        await asyncio.sleep(self._backoff.next_s())

    def _recovered(self) -> None:
        if self._backoff.failures:
            log.warning("%s: reading again after %d failures", self.lane.source, self._backoff.failures)
        self._backoff.reset()


def _entries(reply: Any) -> list[ClaimedEntry]:
    if not reply:
        return []
    ((_stream, entries),) = reply
    return [ClaimedEntry(entry_id.decode(), as_dict(flat), 1) for entry_id, flat in entries if flat]


def _deliveries(reply: Any) -> list[ClaimedEntry]:
    return [ClaimedEntry(entry_id.decode(), as_dict(flat), int(times)) for entry_id, times, flat in reply]


def _flat(fields: Fields) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]

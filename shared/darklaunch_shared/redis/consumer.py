"""One member of a consumer group on one launch shard, as workers and comparators use it.

Read, work, finish. Entries whose consumer went silent are claimed by others after a lease. Finishing is fenced by
ownership, so that a slow consumer that lost an entry cannot finish it a second time. Entries that kill their consumers
are buried: moved to the dead letters. A server that is away, loading or failing over is waited for and never counted
against an entry.
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
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.process.fast_dataclass import immutable
from darklaunch_shared.wire.dead_letter import pack_dead_letter, pack_dead_notice
from darklaunch_shared.wire.fields import Fields, pair_fields

from .client import WAIT_MS, AsyncRedisClient
from .errors import is_transient
from .script_calls import Argument, ScriptCall, ScriptCaller
from .script_queue import ScriptQueue

MAX_DELIVERIES: Final = 5
MAX_DEAD_LETTERS: Final = 10_000
ACKNOWLEDGE_BATCH: Final = 500
FINISH_BATCH: Final = 128
"""The most entries finished by one call, which blocks the server for about a millisecond."""

log = logging.getLogger("darklaunch.stream")


@dataclass(frozen=True, slots=True)
class ShardStreams:
    """The keys of one launch shard as one consumer group uses them.

    `source` is the stream the group reads, `replays` the one that outcomes are passed on to.
    """

    launch: str
    shard: int
    group: str
    source: str
    replays: str
    dead: str
    ledger: str


def worker_streams(launch: str, shard: int) -> ShardStreams:
    """Return the streams of the workers: from captures to replays."""
    return _shard_streams(launch, shard, keys.WORKER_GROUP, keys.captures(launch, shard))


def comparator_streams(launch: str, shard: int) -> ShardStreams:
    """Return the streams of the comparators: from replays to Postgres. Nothing follows on Redis."""
    return _shard_streams(launch, shard, keys.COMPARATOR_GROUP, keys.replays(launch, shard))


def _shard_streams(launch: str, shard: int, group: str, source: str) -> ShardStreams:
    return ShardStreams(
        launch=launch,
        shard=shard,
        group=group,
        source=source,
        replays=keys.replays(launch, shard),
        dead=keys.dead(launch, shard),
        ledger=keys.ledger(launch, shard),
    )


@immutable
class ClaimedEntry:
    """An entry that this consumer owns; `deliveries` counts how often it was handed out, this time included."""

    entry_id: str
    fields: Fields
    deliveries: int


class FinishedEntry(NamedTuple):
    """The end of an entry: the fields to pass on (empty: nothing is passed on) and the ledger's counter for it."""

    entry_id: str
    next_fields: Fields
    counter: str


class GroupConsumer:
    """One named member of a group. `name` is unique per process start; entries idle for `lease_s` are claimed."""

    def __init__(
        self, redis: AsyncRedisClient, queue: ScriptQueue, streams: ShardStreams, *, name: str, lease_s: float
    ) -> None:
        self.streams = streams
        self.name = name
        self._redis = redis
        self._queue = queue
        self._scripts = ScriptCaller(redis)
        self._lease_ms = int(lease_s * 1000)
        self._backoff = Backoff()

    async def read(self, count: int, *, wait_ms: int = WAIT_MS) -> list[ClaimedEntry]:
        """Read up to `count` new entries, waiting `wait_ms` for the first. After an error, back off and return none."""
        try:
            reply = await self._redis.execute_command(
                "XREADGROUP", "GROUP", self.streams.group, self.name, "COUNT", count, "BLOCK", wait_ms,
                "STREAMS", self.streams.source, ">",
            )  # fmt: skip
        except (RedisError, OSError) as error:
            await self._wait_out(error)
            return []
        self._note_recovery()
        if reply:
            crash_point("consumer.read")
        return _parse_new_entries(reply)

    async def claim(self, count: int) -> list[ClaimedEntry]:
        """Claim up to `count` entries of silent consumers. Bury those that were delivered MAX_DELIVERIES times."""
        if count < 1:
            return []
        args = (self.streams.group, self.name, self._lease_ms, MAX_DELIVERIES, count)
        try:
            claimed, poison = await self._scripts.call(
                ScriptCall("claim", (self.streams.source, self.streams.ledger), args)
            )
            if claimed or poison:
                crash_point("consumer.claimed")
        except (RedisError, OSError) as error:
            await self._wait_out(error)
            return []
        for delivery in _parse_claimed_entries(poison):
            try:  # one that cannot be buried now is claimed again later; the others must not wait for it
                await self.bury(delivery, f"delivered {delivery.deliveries} times without an outcome", insist=False)
            except (RedisError, OSError) as error:
                log.error("%s: entry %s was not buried: %s", self.streams.source, delivery.entry_id, error)
        return _parse_claimed_entries(claimed)

    async def extend(self, entry_ids: Sequence[str]) -> None:
        """Renew the lease of these entries, ahead of any outcome that waits in the queue. Raises RedisError."""
        if entry_ids:
            await self._scripts.call(
                ScriptCall("extend", (self.streams.source,), (self.streams.group, self.name, *entry_ids))
            )
            crash_point("consumer.extended")

    async def finish(self, outcomes: Sequence[FinishedEntry]) -> list[bool]:
        """Finish entries and pass their outcomes on, by one call. False: another consumer owns that one by now.

        Takes at most FINISH_BATCH. Raises ResponseError if the server refuses them for good.
        """
        args: list[Argument] = [self.streams.group, self.name]
        for entry_id, next_fields, counter in outcomes:
            args += (entry_id, counter, 2 * len(next_fields))
            for pair in next_fields.items():
                args += pair
        names = (self.streams.source, self.streams.replays, self.streams.ledger)
        return [finished == 1 for finished in await self._queue.call(ScriptCall("finish", names, args))]

    async def acknowledge(self, entry_ids: Sequence[str], counter: str) -> int:
        """Take entries that nothing follows off the stream and return how many were still this consumer's."""
        acknowledged = 0
        for first in range(0, len(entry_ids), ACKNOWLEDGE_BATCH):
            ids = entry_ids[first : first + ACKNOWLEDGE_BATCH]
            args: tuple[Argument, ...] = (self.streams.group, self.name, counter, *ids)
            call = ScriptCall("acknowledge", (self.streams.source, self.streams.ledger), args)
            try:
                acknowledged += await self._scripts.call(call)
            except (RedisError, OSError) as error:
                if not is_transient(error):
                    raise
                acknowledged += await self._queue.call(call)  # sends it again until the server answers
        return acknowledged

    async def bury(self, delivery: ClaimedEntry, reason: str, *, insist: bool = True) -> bool:
        """Move an entry to the dead letters with its payload. False: another consumer owns it by now.

        With `insist`, retries until the server takes it. Raises RedisError and OSError.
        """
        at_ms = time.time_ns() // 1_000_000
        notice = pack_dead_notice(delivery.fields, delivery.entry_id, self.streams.launch)
        body = _flatten(pack_dead_letter(delivery.fields, reason, self.streams.group, delivery.deliveries, at_ms))
        counter = "dead" if notice else "foreign"
        log.warning("%s: entry %s is dead: %s", self.streams.source, delivery.entry_id, reason)
        names = (self.streams.source, self.streams.dead, self.streams.replays, self.streams.ledger)
        owner = (self.streams.group, self.name, delivery.entry_id)
        call = ScriptCall("bury", names, (*owner, counter, MAX_DEAD_LETTERS, len(body), *body, *_flatten(notice)))
        crash_point("consumer.burying")
        buried = bool(await (self._queue if insist else self._scripts).call(call))
        crash_point("consumer.buried")
        return buried

    async def hand_back(self, entry_ids: Sequence[str]) -> None:
        """Hand entries back at shutdown, so that another consumer claims them at once. Raises RedisError."""
        if entry_ids:
            args: tuple[Argument, ...] = (self.streams.group, self.name, self._lease_ms, *entry_ids)
            crash_point("consumer.handing_back")
            await self._scripts.call(ScriptCall("hand_back", (self.streams.source,), args))
            crash_point("consumer.handed_back")

    async def leave(self) -> None:
        """Leave the group if nothing is pending. Raises RedisError."""
        await self._scripts.call(ScriptCall("leave_group", (self.streams.source,), (self.streams.group, self.name)))
        crash_point("consumer.left")

    async def _wait_out(self, error: RedisError | OSError) -> None:
        if isinstance(error, ResponseError) and ("NOGROUP" in str(error) or "UNBLOCKED" in str(error)):
            try:  # the stream is new, was deleted, or flushed: the group starts at its beginning
                await self._scripts.call(ScriptCall("create_group", (self.streams.source,), (self.streams.group,)))
                return
            except (RedisError, OSError) as refused:
                error = refused
        if self._backoff.failures == 0:
            level = logging.WARNING if is_transient(error) else logging.ERROR
            log.log(level, "%s: %s; trying again until it passes", self.streams.source, error)
        await asyncio.sleep(self._backoff.next_s())

    def _note_recovery(self) -> None:
        if self._backoff.failures:
            log.warning("%s: reading again after %d failures", self.streams.source, self._backoff.failures)
        self._backoff.reset()


def _parse_new_entries(reply: Any) -> list[ClaimedEntry]:
    if not reply:
        return []
    ((_stream, entries),) = reply
    return [ClaimedEntry(entry_id.decode(), pair_fields(flat), 1) for entry_id, flat in entries if flat]


def _parse_claimed_entries(reply: Any) -> list[ClaimedEntry]:
    return [ClaimedEntry(entry_id.decode(), pair_fields(flat), int(times)) for entry_id, times, flat in reply]


def _flatten(fields: Fields) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]

"""What each producer has on a launch's streams, counted entry by entry."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Final

from darklaunch_comparator.leader.producer_counters import is_producer
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.exchange_ids import list_exchange_ids
from darklaunch_shared.wire.fields import pair_fields
from redis.exceptions import ResponseError

_NO_ID: Final = (0, 0)


@dataclass(frozen=True, slots=True)
class StreamEntries:
    """Entries of one producer, or of several: unread and pending on the two streams, and dead letters kept."""

    captures_unread: int = 0
    captures_pending: int = 0
    replays_unread: int = 0
    replays_pending: int = 0
    dead_letters: int = 0

    @property
    def unread(self) -> int:
        """Entries that wait for a worker or a comparator."""
        return self.captures_unread + self.replays_unread

    @property
    def pending(self) -> int:
        """Entries in the hands of a worker or a comparator."""
        return self.captures_pending + self.replays_pending


def count_stream_entries(
    redis: RedisClient, launch: str, shard: int, until_s: float
) -> Mapping[str, StreamEntries] | None:
    """Count a shard's entries by producer; None when that is not done by `until_s` (monotonic).

    Upstream first: what moves on meanwhile is met again further down, never missed. What has no exchange id, because
    strangers wrote it, counts under "".
    """
    counts: dict[str, Counter[str]] = {}
    for place, producer in _places(redis, launch, shard):
        counts.setdefault(producer, Counter())[place] += 1
        if time.monotonic() > until_s:
            return None
    return {producer: StreamEntries(**found) for producer, found in counts.items()}


def add_up(some: Iterable[StreamEntries]) -> StreamEntries:
    """Add several up."""
    return StreamEntries(*map(sum, zip(*map(astuple, some), strict=True)))


def _places(redis: RedisClient, launch: str, shard: int) -> Iterator[tuple[str, str]]:
    streams = (
        ("captures", keys.captures(launch, shard), keys.WORKER_GROUP),
        ("replays", keys.replays(launch, shard), keys.COMPARATOR_GROUP),
    )
    for name, stream, group in streams:
        read_up_to = _last_read(redis, stream, group)
        for entry_id, identity in list_exchange_ids(redis, stream):
            # Finished entries are deleted, so that what was read and is there still is in somebody's hands.
            yield f"{name}_{'pending' if _parsed(entry_id) <= read_up_to else 'unread'}", _producer(identity)
    for _, identity in list_exchange_ids(redis, keys.dead(launch, shard)):
        yield "dead_letters", _producer(identity)


def _producer(identity: str) -> str:
    producer, _, number = identity.partition(":")
    return producer if is_producer(producer) and number.isdigit() else ""


def _last_read(redis: RedisClient, stream: str, group: str) -> tuple[int, int]:
    try:
        groups = [pair_fields(each) for each in redis.execute_command("XINFO", "GROUPS", stream)]
    except ResponseError:  # there is no stream yet
        return _NO_ID
    read = (_parsed(each[b"last-delivered-id"].decode()) for each in groups if each[b"name"] == group.encode())
    return next(read, _NO_ID)


def _parsed(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)

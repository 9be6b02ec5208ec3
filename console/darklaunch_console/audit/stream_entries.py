"""The entries of each producer on a launch's streams, counted one by one."""

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
    """Numbers of entries of one producer, or of several: unread and pending on the two streams, and dead letters."""

    captures_unread: int = 0
    captures_pending: int = 0
    replays_unread: int = 0
    replays_pending: int = 0
    dead_letters: int = 0

    @property
    def unread(self) -> int:
        """Entries that no worker or comparator has read yet."""
        return self.captures_unread + self.replays_unread

    @property
    def pending(self) -> int:
        """Entries that a worker or comparator has read and not finished."""
        return self.captures_pending + self.replays_pending


def count_stream_entries(
    redis: RedisClient, launch: str, shard: int, until_s: float
) -> Mapping[str, StreamEntries] | None:
    """Count a shard's entries by producer; return None when that is not done by `until_s` (monotonic).

    Streams are read upstream first: an entry that moves on meanwhile is counted twice, never missed. An entry without
    an exchange id, which no hook wrote, counts under "".
    """
    counts: dict[str, Counter[str]] = {}
    for place, producer in _list_places(redis, launch, shard):
        counts.setdefault(producer, Counter())[place] += 1
        if time.monotonic() > until_s:
            return None
    return {producer: StreamEntries(**by_place) for producer, by_place in counts.items()}


def sum_entries(entries: Iterable[StreamEntries]) -> StreamEntries:
    """Return the sums of all figures."""
    return StreamEntries(*map(sum, zip(*map(astuple, entries), strict=True)))


def _list_places(redis: RedisClient, launch: str, shard: int) -> Iterator[tuple[str, str]]:
    streams = (
        ("captures", keys.captures(launch, shard), keys.WORKER_GROUP),
        ("replays", keys.replays(launch, shard), keys.COMPARATOR_GROUP),
    )
    for name, stream, group in streams:
        read_up_to = _read_last_delivered(redis, stream, group)
        for entry_id, identity in list_exchange_ids(redis, stream):
            # Finished entries are deleted: one that was read and still exists is pending.
            yield f"{name}_{'pending' if _parse_id(entry_id) <= read_up_to else 'unread'}", _parse_producer(identity)
    for _, identity in list_exchange_ids(redis, keys.dead(launch, shard)):
        yield "dead_letters", _parse_producer(identity)


def _parse_producer(identity: str) -> str:
    producer, _, number = identity.partition(":")
    return producer if is_producer(producer) and number.isdigit() else ""


def _read_last_delivered(redis: RedisClient, stream: str, group: str) -> tuple[int, int]:
    try:
        groups = [pair_fields(reply) for reply in redis.execute_command("XINFO", "GROUPS", stream)]
    except ResponseError:  # the stream does not exist yet
        return _NO_ID
    ids = (_parse_id(about[b"last-delivered-id"].decode()) for about in groups if about[b"name"] == group.encode())
    return next(ids, _NO_ID)


def _parse_id(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)

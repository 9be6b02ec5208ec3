"""Wait until every exchange sampled so far has an outcome; sampling may go on meanwhile."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import write_even_if_full

from darklaunch_console.output.numbers import format_count
from darklaunch_console.stores.streams import EntryId, ShardState, StreamsState, StreamState

COUNTERS_S: Final = 2.0
"""Hooks write every second what they have sampled; by then each that is alive has."""
READ_EVERY_S: Final = 0.2
COUNT_EVERY_S: Final = 1.0
"""Counting what Redis lost reads every producer's row in Postgres."""
DISCARD_REASON: Final = "paused"
"""The reason in the ledger for which workers drop what a paused launch holds."""


@dataclass(frozen=True, slots=True)
class ExchangesInProgress:
    """Exchanges without an outcome, by place: the hooks' buffers, waiting, being replayed, waiting to be compared."""

    in_buffers: int
    waiting: int
    replaying: int
    comparing: int

    @property
    def total(self) -> int:
        """The number of all of them."""
        return self.in_buffers + self.waiting + self.replaying + self.comparing


def count_in_progress(streams: StreamsState) -> ExchangesInProgress:
    """Return how many exchanges are in progress."""
    return ExchangesInProgress(
        in_buffers=streams.count_buffered(),
        waiting=sum(shard.captures.waiting for shard in streams.shards),
        replaying=sum(shard.captures.in_flight for shard in streams.shards),
        comparing=sum(shard.replays.length for shard in streams.shards),
    )


def describe_in_progress(progress: ExchangesInProgress) -> str:
    """Return where exchanges are: `12 waiting for a worker, 31 being replayed`."""
    parts = (
        (progress.in_buffers, "in the hooks' buffers"),
        (progress.waiting, "waiting for a worker"),
        (progress.replaying, "being replayed"),
        (progress.comparing, "waiting to be compared"),
    )
    return ", ".join(f"{format_count(number)} {place}" for number, place in parts if number) or "nothing in progress"


def wait_until_drained(
    read: Callable[[], StreamsState], on_progress: Callable[[ExchangesInProgress], None], limit_s: float
) -> bool:
    """Wait until everything sampled before this call has an outcome; False if the limit passed first.

    `on_progress` is called after every read. An exchange passes three places in order: a hook's buffer, the captures
    stream, the replays stream. Each stream's last id is taken when the place before it is clear, and awaited.
    """
    until_s = time.monotonic() + limit_s
    counters_until_s = time.monotonic() + COUNTERS_S
    streams = read()

    def are_buffers_clear() -> bool:
        counters_are_fresh = time.monotonic() >= counters_until_s or not streams.list_live_producers()
        return counters_are_fresh and streams.count_buffered() == 0

    def make_condition(stream_of: Callable[[ShardState], StreamState]) -> Callable[[], bool]:
        last_ids = [stream_of(shard).last_id for shard in streams.shards]
        return lambda: _have_passed([stream_of(shard) for shard in streams.shards], last_ids)

    def wait_for(is_clear: Callable[[], bool]) -> bool:
        nonlocal streams
        while not is_clear():
            on_progress(count_in_progress(streams))
            if time.monotonic() >= until_s:
                return False
            time.sleep(READ_EVERY_S)
            streams = read()
        return True

    return (
        wait_for(are_buffers_clear)
        and wait_for(make_condition(lambda shard: shard.captures))
        and wait_for(make_condition(lambda shard: shard.replays))
    )


def wait_until_recorded(count_lost: Callable[[], int], limit_s: float) -> int:
    """Wait until no sampled exchange is missing from both Redis and the record; return how many are when time is up.

    Only streams that Redis has emptied differ from empty streams in this: a leader records what was on them as dropped.
    """
    until_s = time.monotonic() + limit_s
    while (lost := count_lost()) and time.monotonic() < until_s:
        time.sleep(COUNT_EVERY_S)
    return lost


@contextlib.contextmanager
def discard_held(redis: RedisClient, name: str) -> Generator[None]:
    """Make workers drop what a paused launch holds, until the end of the block."""
    write_even_if_full(redis, "HSET", keys.launch(name), keys.STATE_DISCARD, DISCARD_REASON)
    write_even_if_full(redis, "INCR", keys.REVISION)
    try:
        yield
    finally:  # a later pause must not discard
        redis.execute_command("HDEL", keys.launch(name), keys.STATE_DISCARD)
        write_even_if_full(redis, "INCR", keys.REVISION)


def _have_passed(streams: Sequence[StreamState], last_ids: Sequence[EntryId]) -> bool:
    """True if no stream has an entry up to its id in `last_ids`."""
    return all(
        stream.first_id is None or stream.first_id > last_id for stream, last_id in zip(streams, last_ids, strict=True)
    )

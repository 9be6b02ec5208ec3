"""Waiting until what is on its way has settled. Sampling may go on meanwhile: what comes later is not waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_console.stores.streams import EntryId, ShardState, StreamsState, StreamState

COUNTERS_S: Final = 2.0
"""Hooks say every second what they have sampled; by then everyone who is alive has."""
LOOK_EVERY_S: Final = 0.2

Look = Callable[[], StreamsState]


@dataclass(frozen=True, slots=True)
class ExchangesInProgress:
    """What is on its way: in hooks' outboxes, waiting for a worker, in workers' hands, waiting to be compared."""

    outboxes: int
    waiting: int
    replaying: int
    comparing: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.outboxes + self.waiting + self.replaying + self.comparing


def count_in_progress(sight: StreamsState) -> ExchangesInProgress:
    """Add up what is on its way."""
    return ExchangesInProgress(
        sight.in_outboxes(),
        sum(shard.captures.waiting for shard in sight.shards),
        sum(shard.captures.in_flight for shard in sight.shards),
        sum(shard.replays.length for shard in sight.shards),
    )


def wait_until_drained(look: Look, told: Callable[[ExchangesInProgress], None], limit_s: float) -> bool:
    """Wait until everything sampled before this call has settled; False when the limit passed first.

    `told` hears at every look what is left. An exchange crosses three places in order, so each is marked when the one
    before it is clear: the outboxes, the captures stream, the replays stream.
    """
    until = time.monotonic() + limit_s
    heard_by = time.monotonic() + COUNTERS_S
    sight = look()

    def heard() -> bool:
        return (time.monotonic() >= heard_by or not sight.living()) and sight.in_outboxes() == 0

    def passed(marks: Sequence[EntryId], stream_of: Callable[[ShardState], StreamState]) -> Callable[[], bool]:
        return lambda: all(_passed(stream_of(shard), mark) for shard, mark in zip(sight.shards, marks, strict=True))

    def wait(done: Callable[[], bool]) -> bool:
        nonlocal sight
        while not done():
            told(count_in_progress(sight))
            if time.monotonic() >= until:
                return False
            time.sleep(LOOK_EVERY_S)
            sight = look()
        return True

    return (
        wait(heard)
        and wait(passed([shard.captures.last_id for shard in sight.shards], lambda shard: shard.captures))
        and wait(passed([shard.replays.last_id for shard in sight.shards], lambda shard: shard.replays))
    )


def _passed(stream: StreamState, mark: EntryId) -> bool:
    return stream.first_id is None or stream.first_id > mark

"""How far a traffic file was imported for a launch, kept on Redis beside the streams it was written to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.producer_counters import ProducerCounters


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place in a traffic file, and the counters of the producer at that place.

    `position` is how many requests were read. `producer` is "" while nothing was handed over. `finished_at_ms` is 0
    until the whole traffic file was imported.
    """

    position: int = 0
    producer: str = ""
    started_ms: int = 0
    seq: int = 0
    sampled: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])
    skipped: Mapping[str, int] = field(default_factory=dict[str, int])
    finished_at_ms: int = 0

    @staticmethod
    def of(position: int, counters: ProducerCounters | None) -> Checkpoint:
        """Return the checkpoint at a position with these counters."""
        if counters is None:
            return Checkpoint(position)
        return Checkpoint(
            position, counters.producer, counters.started_ms, counters.seq, counters.sampled,
            counters.dropped, counters.skipped,
        )  # fmt: skip

    def count_accounted(self) -> int:
        """Return how many of the requests that were handed over are on the stream, dropped or skipped."""
        return self.seq + sum(self.dropped.values()) + sum(self.skipped.values())

    def as_counters(self) -> ProducerCounters | None:
        """Return the counters to go on from; None when nothing was handed over."""
        if not self.producer:
            return None
        return ProducerCounters(
            producer=self.producer,
            started_ms=self.started_ms,
            at_ms=0,
            seq=self.seq,
            sampled=self.sampled,
            dropped=dict(self.dropped),
            skipped=dict(self.skipped),
        )

    def finish(self, now_ms: int) -> Checkpoint:
        """Return it as the end of a traffic file that was imported whole."""
        return replace(self, finished_at_ms=now_ms)


def read_checkpoint(redis: RedisClient, launch: str, file_id: str) -> Checkpoint:
    """Return how far a file was imported; the beginning when it was not, or nothing is kept of it."""
    stored = redis.execute_command("HGET", keys.imports(launch), file_id) if file_id else None
    if stored is None:
        return Checkpoint()
    members: dict[str, Any] = orjson.loads(stored)
    return Checkpoint(**members)


def save_checkpoint(redis: RedisClient, launch: str, file_id: str, checkpoint: Checkpoint) -> None:
    """Keep how far a file was imported; nothing is kept without a file's id."""
    if file_id:
        redis.execute_command("HSET", keys.imports(launch), file_id, orjson.dumps(checkpoint))

"""Counters that each producer writes about itself. They are absolute, so that the next write repairs a lost one.

For one producer and launch: sampled = seq + dropped before the stream + still in the hook's buffer. Every number up to
`seq` was written to Redis; one that has neither a result nor an entry on a stream was lost there.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from darklaunch_shared.errors import BadEntry


@dataclass(frozen=True, slots=True)
class ProducerCounters:
    """One producer's counters for one launch.

    `started_ms` is when the producer started, `at_ms` when it wrote this, both in milliseconds since the epoch; `seq`
    is the highest number it put on the stream; `dropped` and `skipped` count by reason. `closed`: it has exited.
    """

    producer: str
    started_ms: int
    at_ms: int
    seq: int
    sampled: int
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    skipped: dict[str, int] = field(default_factory=dict[str, int])
    closed: bool = False


def pack_counters(counters: ProducerCounters) -> bytes:
    """Return counters as JSON."""
    return orjson.dumps(counters)


def unpack_counters(raw: bytes) -> ProducerCounters:
    """Read counters. Raises BadEntry when they are damaged."""
    try:
        members: Any = orjson.loads(raw)
        return ProducerCounters(
            producer=str(members["producer"]),
            started_ms=int(members["started_ms"]),
            at_ms=int(members["at_ms"]),
            seq=int(members["seq"]),
            sampled=int(members["sampled"]),
            dropped={str(reason): int(count) for reason, count in members["dropped"].items()},
            skipped={str(reason): int(count) for reason, count in members["skipped"].items()},
            closed=bool(members["closed"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as broken:
        raise BadEntry(f"a producer's counters are damaged: {broken}") from None

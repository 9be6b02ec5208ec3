"""What each producer says of itself: absolute counters, so that a lost write is healed by the next one.

For one producer and launch: sampled = seq + dropped before the stream + still in the outbox. Every number up to `seq`
was written to Redis; one that has neither a result nor an entry on a stream was lost there.
"""

from dataclasses import dataclass, field

import orjson

from darklaunch_shared.errors import BadEntry


@dataclass(frozen=True, slots=True)
class ProducerCounters:
    """One producer's counters for one launch.

    `started_ms` is when the producer started, `at_ms` when it wrote this, both in milliseconds since the epoch; `seq`
    is the highest number it put on the stream; `dropped` and `skipped` count by reason. `closed` says it has exited.
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
    """Turn counters into JSON."""
    return orjson.dumps(counters)


def unpack_counters(raw: bytes) -> ProducerCounters:
    """Read counters. Raises BadEntry when they are damaged."""
    try:
        given = orjson.loads(raw)
        return ProducerCounters(
            producer=str(given["producer"]),
            started_ms=int(given["started_ms"]),
            at_ms=int(given["at_ms"]),
            seq=int(given["seq"]),
            sampled=int(given["sampled"]),
            dropped={str(reason): int(count) for reason, count in given["dropped"].items()},
            skipped={str(reason): int(count) for reason, count in given["skipped"].items()},
            closed=bool(given["closed"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as broken:
        raise BadEntry(f"a producer's counters are damaged: {broken}") from None

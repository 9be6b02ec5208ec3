"""Which worker and comparator has read which entries of the launches' streams; ended processes are included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import ProcessRecord
from darklaunch_shared.wire.fields import pair_fields
from redis.exceptions import ResponseError

_GROUPS = (
    ("worker", keys.captures, keys.WORKER_GROUP),
    ("comparator", keys.replays, keys.COMPARATOR_GROUP),
)


@dataclass(frozen=True, slots=True)
class StreamConsumer:
    """A worker or comparator, and how many entries of one launch it has read and not finished.

    idle_s   seconds since it last read from the stream; None if it never has
    alive    True if its process runs
    breaker  a worker's breaker for the launch's shadow: open, closed, or "" when that is not reported
    label    what its process is called with --name, and its process id; "" without a name
    failing  endpoints of the shadow that a worker asks once a second only, while it responds elsewhere
    """

    launch: str
    kind: str
    name: str
    in_flight: int
    idle_s: float | None
    alive: bool
    breaker: str
    failing: tuple[str, ...] = ()
    label: str = ""


def read_consumers(
    redis: RedisClient,
    states: Iterable[LaunchState],
    workers: Sequence[ProcessRecord],
    comparators: Sequence[ProcessRecord],
) -> list[StreamConsumer]:
    """Return every consumer with entries in flight, and every process that is alive."""
    consumers: list[StreamConsumer] = []
    for state in states:
        for (kind, stream_of, group), processes in zip(_GROUPS, (workers, comparators), strict=True):
            streams = [stream_of(state.name, shard) for shard in range(state.spec.shards)]
            counts = _count_entries(redis, streams, group)
            consumers += _describe_consumers(state.name, kind, counts, processes)
    return consumers


def _describe_consumers(
    launch: str, kind: str, counts: Mapping[str, tuple[int, int]], processes: Sequence[ProcessRecord]
) -> list[StreamConsumer]:
    alive = {process.id: process for process in processes}
    consumers: list[StreamConsumer] = []
    for name in sorted({*counts, *alive}):
        pending, idle_ms = counts.get(name, (0, None))
        if name in alive or pending:
            consumers.append(
                StreamConsumer(
                    launch,
                    kind,
                    name,
                    in_flight=pending,
                    idle_s=None if idle_ms is None else idle_ms / 1000,
                    alive=name in alive,
                    breaker=_read_breaker(alive.get(name), launch),
                    failing=_read_failing_endpoints(alive.get(name), launch),
                    label=_read_label(alive.get(name)),
                )
            )
    return consumers


def _count_entries(redis: RedisClient, streams: Iterable[str], group: str) -> dict[str, tuple[int, int]]:
    """Return the pending entries of each consumer of a group over all shards, and the ms since it last read."""
    counts: dict[str, tuple[int, int]] = {}
    for stream in streams:
        try:
            consumers = [pair_fields(reply) for reply in redis.execute_command("XINFO", "CONSUMERS", stream, group)]
        except ResponseError:  # the stream or its group does not exist yet
            continue
        for consumer in consumers:
            name = consumer[b"name"].decode(errors="replace")
            pending, idle_ms = counts.get(name, (0, 2**53))
            counts[name] = (pending + int(consumer[b"pending"]), min(idle_ms, int(consumer[b"idle"])))
    return counts


def _read_breaker(process: ProcessRecord | None, launch: str) -> str:
    breaker: object = _read_about(process, launch).get("breaker")
    return breaker if breaker in ("open", "closed") else ""


def _read_failing_endpoints(process: ProcessRecord | None, launch: str) -> tuple[str, ...]:
    endpoints: object = _read_about(process, launch).get("failing_endpoints")
    if not isinstance(endpoints, list):
        return ()
    return tuple(endpoint for endpoint in cast(list[object], endpoints) if isinstance(endpoint, str))


def _read_label(process: ProcessRecord | None) -> str:
    if process is None or not process.about.get("name"):
        return ""
    return f"{str(process.about['name'])[:60]} ({process.about.get('pid', '?')})"


def _read_about(process: ProcessRecord | None, launch: str) -> dict[str, Any]:
    """Return what a worker's heartbeat says of a launch."""
    launches: object = process.about.get("launches") if process else None
    about: object = cast(dict[str, Any], launches).get(launch) if isinstance(launches, dict) else None
    return cast(dict[str, Any], about) if isinstance(about, dict) else {}

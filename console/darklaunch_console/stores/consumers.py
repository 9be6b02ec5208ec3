"""Who holds what of the launches' streams: each worker and comparator, the dead among them too."""

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
    """A worker or comparator and what it holds of one launch.

    `idle_s` is how long ago it last asked for anything; None when it has asked for nothing yet. `alive` says that its
    process is; `breaker` is a worker's for the launch's shadow: open, closed, or "" when it does not say.
    """

    launch: str
    kind: str
    name: str
    in_flight: int
    idle_s: float | None
    alive: bool
    breaker: str


def read_consumers(
    redis: RedisClient,
    states: Iterable[LaunchState],
    workers: Sequence[ProcessRecord],
    comparators: Sequence[ProcessRecord],
) -> list[StreamConsumer]:
    """Read who holds what, those that are alive and hold nothing included."""
    found: list[StreamConsumer] = []
    for state in states:
        for (kind, stream_of, group), processes in zip(_GROUPS, (workers, comparators), strict=True):
            streams = [stream_of(state.name, shard) for shard in range(state.spec.shards)]
            found += _of(state.name, kind, _listed(redis, streams, group), processes)
    return found


def _of(
    launch: str, kind: str, listed: Mapping[str, tuple[int, int]], processes: Sequence[ProcessRecord]
) -> list[StreamConsumer]:
    alive = {process.id: process for process in processes}
    consumers: list[StreamConsumer] = []
    for name in sorted({*listed, *alive}):
        pending, idle_ms = listed.get(name, (0, None))
        if name in alive or pending:
            idle_s = None if idle_ms is None else idle_ms / 1000
            consumers.append(
                StreamConsumer(launch, kind, name, pending, idle_s, name in alive, _breaker(alive.get(name), launch))
            )
    return consumers


def _listed(redis: RedisClient, streams: Iterable[str], group: str) -> dict[str, tuple[int, int]]:
    """Give each consumer of a group over all shards: entries it holds, and ms since it last asked."""
    found: dict[str, tuple[int, int]] = {}
    for stream in streams:
        try:
            told = [pair_fields(each) for each in redis.execute_command("XINFO", "CONSUMERS", stream, group)]
        except ResponseError:  # nobody has read from it yet
            continue
        for each in told:
            name = each[b"name"].decode(errors="replace")
            pending, idle_ms = found.get(name, (0, 2**53))
            found[name] = (pending + int(each[b"pending"]), min(idle_ms, int(each[b"idle"])))
    return found


def _breaker(process: ProcessRecord | None, launch: str) -> str:
    launches: object = process.about.get("launches") if process else None
    about: object = cast(dict[str, Any], launches).get(launch) if isinstance(launches, dict) else None
    breaker: object = cast(dict[str, Any], about).get("breaker") if isinstance(about, dict) else None
    return breaker if breaker in ("open", "closed") else ""

"""The backlog of launches: what waits, what is in progress, how old it is and how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.stores.processes import list_live_workers
from darklaunch_console.stores.streams import StreamsState, read_streams

INTERVAL_S: Final = 1.0
"""Time between the two reads that rates are computed from."""


@dataclass(frozen=True, slots=True)
class LaunchBacklog:
    """The backlog of one launch at one moment; `oldest_s` is the age of its oldest exchange without an outcome."""

    launch: str
    status: str
    waiting: int
    in_flight: int
    to_compare: int
    oldest_s: float
    workers: int
    replayed_per_s: float
    compared_per_s: float
    dead: int


def read_backlogs(redis: RedisClient, launches: Mapping[str, LaunchState]) -> list[LaunchBacklog]:
    """Read every launch's streams twice, one second apart; return the later state, the furthest behind first."""
    before = {name: read_streams(redis, state) for name, state in launches.items()}
    began_s = time.monotonic()
    time.sleep(INTERVAL_S)
    after = {name: read_streams(redis, state) for name, state in launches.items()}
    interval_s = time.monotonic() - began_s
    workers = list_live_workers(redis)
    backlogs = [
        measure_backlog(state, before[name], after[name], interval_s, count_workers(name, workers))
        for name, state in launches.items()
    ]
    return sorted(backlogs, key=lambda backlog: (-backlog.oldest_s, backlog.launch))


def measure_backlog(
    state: LaunchState, before: StreamsState, after: StreamsState, interval_s: float, workers: int
) -> LaunchBacklog:
    """Compute a backlog from two reads of the streams, `interval_s` seconds apart."""
    streams = [stream for shard in after.shards for stream in (shard.captures, shard.replays)]
    return LaunchBacklog(
        launch=state.name,
        status="held" if state.hold and state.status is LaunchStatus.ACTIVE else state.status.value,
        waiting=sum(shard.captures.waiting for shard in after.shards),
        in_flight=sum(shard.captures.in_flight for shard in after.shards),
        to_compare=sum(shard.replays.length for shard in after.shards),
        oldest_s=max((stream.oldest_s for stream in streams), default=0.0),
        workers=workers,
        replayed_per_s=_compute_rate(before, after, "replayed", interval_s),
        compared_per_s=_compute_rate(before, after, "recorded", interval_s),
        dead=sum(shard.dead for shard in after.shards),
    )


def count_workers(launch: str, workers: Sequence[ProcessRecord]) -> int:
    """Return how many worker processes report that they work on a launch; those that report nothing count too."""
    reported = [worker.about.get("launches") for worker in workers]
    return sum(1 for launches in reported if not isinstance(launches, dict) or launch in launches)


def _compute_rate(before: StreamsState, after: StreamsState, counter: str, interval_s: float) -> float:
    """Return a counter's increase per second, 0 if it was reset in between."""
    increase = _sum_counter(after, counter) - _sum_counter(before, counter)
    return max(0, increase) / interval_s


def _sum_counter(streams: StreamsState, counter: str) -> int:
    return sum(shard.ledger.get(counter, 0) for shard in streams.shards)

"""`backlog`: what waits, what is in hand, how old, how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import click
from darklaunch_shared.alive import Process
from darklaunch_shared.connect import Client
from darklaunch_shared.launch import LaunchState, Status

from darklaunch_console.alive import comparators_alive, workers_alive
from darklaunch_console.output.numbers import count, decimal, seconds
from darklaunch_console.output.screen import json_option, say, say_all, say_json, warn
from darklaunch_console.output.table import table
from darklaunch_console.output.text import plural
from darklaunch_console.settings import Settings
from darklaunch_console.stores import open_redis
from darklaunch_console.traffic import Sight, published, published_launches, read_launch

BETWEEN_LOOKS_S: Final = 1.0
HEAD: Final = (
    "launch", "waiting", "in flight", "oldest", "to compare", "workers", "replayed/s", "compared/s", "dead", "status",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backlog:
    """One launch at one moment; `oldest_s` is the age of the oldest exchange that has no outcome yet."""

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


@click.command()
@click.argument("name", required=False)
@json_option
@click.pass_obj
def backlog(settings: Settings, name: str | None, in_json: bool) -> None:
    """Show for each launch, or one: exchanges waiting for a worker, in a worker's hands, and waiting to be compared.

    Looks twice, one second apart, for the rates.
    """
    with open_redis(settings) as redis:
        launches = {name: published(redis, name)} if name else published_launches(redis)
        rows = look_twice(redis, launches) if launches else []
        comparators = len(comparators_alive(redis))
        workers = len(workers_alive(redis))
    if in_json:
        say_json({"launches": [asdict(row) for row in rows], "workers": workers, "comparators": comparators})
        return
    if not rows:
        say("There is no launch yet: start one with `darklaunch start NAME --shadow URL`.")
        return
    say_all(table(HEAD, [_cells(row) for row in rows], left=(0, 9)))
    _remark(rows, workers, comparators)


def look_twice(redis: Client, launches: Mapping[str, LaunchState]) -> list[Backlog]:
    """Read every launch's streams twice and give the state at the second look, the furthest behind first."""
    before = {name: read_launch(redis, state) for name, state in launches.items()}
    began = time.monotonic()
    time.sleep(BETWEEN_LOOKS_S)
    after = {name: read_launch(redis, state) for name, state in launches.items()}
    between_s = time.monotonic() - began
    workers = workers_alive(redis)
    rows = [
        measure(state, before[name], after[name], between_s, working_on(name, workers))
        for name, state in launches.items()
    ]
    return sorted(rows, key=lambda row: (-row.oldest_s, row.launch))


def measure(state: LaunchState, before: Sight, after: Sight, between_s: float, workers: int) -> Backlog:
    """Make a row of two looks `between_s` seconds apart."""

    def rate(*counters: str) -> float:
        return max(0, total(after, *counters) - total(before, *counters)) / between_s

    streams = [stream for shard in after.shards for stream in (shard.captures, shard.replays)]
    return Backlog(
        launch=state.name,
        status="held" if state.hold and state.status is Status.ACTIVE else state.status.value,
        waiting=sum(shard.captures.waiting for shard in after.shards),
        in_flight=sum(shard.captures.in_flight for shard in after.shards),
        to_compare=sum(shard.replays.length for shard in after.shards),
        oldest_s=max((stream.oldest_s for stream in streams), default=0.0),
        workers=workers,
        replayed_per_s=rate("replayed"),
        compared_per_s=rate("recorded"),
        dead=sum(shard.dead for shard in after.shards),
    )


def total(sight: Sight, *counters: str) -> int:
    """Add up counters of the scripts over all shards."""
    return sum(shard.ledger.get(counter, 0) for shard in sight.shards for counter in counters)


def working_on(launch: str, workers: Sequence[Process]) -> int:
    """Count the worker processes that say they work on a launch."""
    named = [worker.about.get("launches") for worker in workers]
    return sum(1 for launches in named if not isinstance(launches, dict) or launch in launches)


def _cells(row: Backlog) -> tuple[str, ...]:
    return (
        row.launch,
        count(row.waiting),
        count(row.in_flight),
        seconds(row.oldest_s) if row.waiting + row.in_flight + row.to_compare else "–",
        count(row.to_compare),
        count(row.workers),
        decimal(row.replayed_per_s),
        decimal(row.compared_per_s),
        count(row.dead),
        row.status.replace("_", " "),
    )


def _remark(rows: Sequence[Backlog], workers: int, comparators: int) -> None:
    if any(row.waiting + row.in_flight for row in rows if row.status == Status.ACTIVE) and not workers:
        warn("no worker is running: start one with `darklaunch worker`.")
    if any(row.to_compare for row in rows) and not comparators:
        warn("no comparator is running: start one with `darklaunch comparator`.")
    if dead := sum(row.dead for row in rows):
        name = next(row.launch for row in rows if row.dead)
        say(f"{plural(dead, 'dead letter')}: look with `darklaunch dead list {name}`.")

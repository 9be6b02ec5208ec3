"""`backlog`: what waits, what is in hand, how old, how fast it goes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import click
from darklaunch_shared.launch.spec import LaunchState, LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.output.numbers import format_count, format_decimal, format_seconds
from darklaunch_console.output.screen import (
    json_option,
    make_printable,
    print_json,
    print_line,
    print_lines,
    print_warning,
    terminal_width,
    wrap_text,
)
from darklaunch_console.output.table import measure_width, render_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.consumers import StreamConsumer, read_consumers
from darklaunch_console.stores.postgres import open_redis
from darklaunch_console.stores.processes import list_live_comparators, list_live_workers
from darklaunch_console.stores.streams import StreamsState, read_published_launch, read_published_launches, read_streams

BETWEEN_LOOKS_S: Final = 1.0
HEAD: Final = ("launch", "waiting", "in flight", "to compare", "dead", "oldest", "replays/s", "results/s")
GAP: Final = "  "
NAME_LIMIT: Final = 36


@dataclass(frozen=True, slots=True)
class LaunchBacklog:
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
def backlog(settings: ConsoleSettings, name: str | None, in_json: bool) -> None:
    """Show for each launch, or one: exchanges waiting for a worker, in a worker's hands, and waiting to be compared.

    Then who holds how many. Looks twice, one second apart, for the rates.
    """
    with open_redis(settings) as redis:
        launches = {name: read_published_launch(redis, name)} if name else read_published_launches(redis)
        rows = look_twice(redis, launches) if launches else []
        workers, comparators = list_live_workers(redis), list_live_comparators(redis)
        consumers = read_consumers(redis, launches.values(), workers, comparators)
    if in_json:
        about = {"workers": len(workers), "comparators": len(comparators)}
        held = [asdict(consumer) for consumer in consumers]
        print_json({"launches": [asdict(row) for row in rows], **about, "consumers": held})
        return
    if not rows:
        print_line("There is no launch yet: start one with `darklaunch start NAME --shadow URL`.")
        return
    print_lines([*wrap_text(headline(rows)), "", *_launches(rows), *_consumers(consumers)])
    _remark(rows, consumers, bool(workers), bool(comparators))


def headline(rows: Sequence[LaunchBacklog]) -> str:
    """Say in a sentence how much is on its way; `rows` begin with the launch that is furthest behind."""
    waiting, in_flight, to_compare = (
        sum(getattr(row, place) for row in rows) for place in ("waiting", "in_flight", "to_compare")
    )
    if not waiting + in_flight + to_compare:
        return "Nothing is on its way."
    of = f", of {rows[0].launch}" if len(rows) > 1 else ""
    return (
        f"{format_plural(waiting, 'exchange waits', 'exchanges wait')} for a worker, "
        f"{format_count(in_flight)} in flight, "
        f"{format_count(to_compare)} to compare; the oldest {format_seconds(rows[0].oldest_s)}{of}."
    )


def look_twice(redis: RedisClient, launches: Mapping[str, LaunchState]) -> list[LaunchBacklog]:
    """Read every launch's streams twice and give the state at the second look, the furthest behind first."""
    before = {name: read_streams(redis, state) for name, state in launches.items()}
    began = time.monotonic()
    time.sleep(BETWEEN_LOOKS_S)
    after = {name: read_streams(redis, state) for name, state in launches.items()}
    between_s = time.monotonic() - began
    workers = list_live_workers(redis)
    rows = [
        measure(state, before[name], after[name], between_s, working_on(name, workers))
        for name, state in launches.items()
    ]
    return sorted(rows, key=lambda row: (-row.oldest_s, row.launch))


def measure(
    state: LaunchState, before: StreamsState, after: StreamsState, between_s: float, workers: int
) -> LaunchBacklog:
    """Make a row of two looks `between_s` seconds apart."""

    def rate(*counters: str) -> float:
        return max(0, total(after, *counters) - total(before, *counters)) / between_s

    streams = [stream for shard in after.shards for stream in (shard.captures, shard.replays)]
    return LaunchBacklog(
        launch=state.name,
        status="held" if state.hold and state.status is LaunchStatus.ACTIVE else state.status.value,
        waiting=sum(shard.captures.waiting for shard in after.shards),
        in_flight=sum(shard.captures.in_flight for shard in after.shards),
        to_compare=sum(shard.replays.length for shard in after.shards),
        oldest_s=max((stream.oldest_s for stream in streams), default=0.0),
        workers=workers,
        replayed_per_s=rate("replayed"),
        compared_per_s=rate("recorded"),
        dead=sum(shard.dead for shard in after.shards),
    )


def total(sight: StreamsState, *counters: str) -> int:
    """Add up counters of the scripts over all shards."""
    return sum(shard.ledger.get(counter, 0) for shard in sight.shards for counter in counters)


def working_on(launch: str, workers: Sequence[ProcessRecord]) -> int:
    """Count the worker processes that say they work on a launch."""
    named = [worker.about.get("launches") for worker in workers]
    return sum(1 for launches in named if not isinstance(launches, dict) or launch in launches)


def _launches(rows: Sequence[LaunchBacklog]) -> list[str]:
    """Lay the launches out; where their names make that too wide, each name in a line of its own."""
    grid = [_cells(row) for row in rows]
    lines = render_table(HEAD, grid, gap=GAP)
    if max(map(measure_width, lines)) <= terminal_width():
        return lines
    head, *figures = render_table(HEAD[1:], [row[1:] for row in grid], left=(), gap=GAP)
    return [f"  {head}", *(line for row, own in zip(grid, figures, strict=True) for line in (row[0], f"  {own}"))]


def _cells(row: LaunchBacklog) -> tuple[str, ...]:
    return (
        row.launch if row.status == LaunchStatus.ACTIVE else f"{row.launch} ({row.status.replace('_', ' ')})",
        format_count(row.waiting),
        format_count(row.in_flight),
        format_count(row.to_compare),
        format_count(row.dead),
        format_seconds(row.oldest_s) if row.waiting + row.in_flight + row.to_compare else "–",
        format_decimal(row.replayed_per_s),
        format_decimal(row.compared_per_s),
    )


def _consumers(consumers: Sequence[StreamConsumer]) -> list[str]:
    """Lay out how much each worker and comparator holds, of all these launches together."""
    by_name: dict[tuple[str, str], list[StreamConsumer]] = {}
    for consumer in consumers:
        by_name.setdefault((consumer.kind, consumer.name), []).append(consumer)
    if not by_name:
        return []
    grid = [
        (
            _ending(make_printable(name)),
            kind,
            format_count(sum(one.in_flight for one in held)),
            format_seconds(min(idle)) if (idle := [one.idle_s for one in held if one.idle_s is not None]) else "–",
            "" if held[0].alive else "gone",
        )
        for (kind, name), held in sorted(by_name.items(), key=lambda each: (each[0][0] != "worker", each[0][1]))
    ]
    return ["", *render_table(("held by", "", "in flight", "idle", ""), grid, left=(0, 1, 4), gap=GAP)]


def _ending(name: str) -> str:
    """Cut a name at its beginning, which is the host's: processes of one host differ at the end."""
    return name if measure_width(name) <= NAME_LIMIT else f"…{name[1 - NAME_LIMIT :]}"


def _remark(
    rows: Sequence[LaunchBacklog], consumers: Sequence[StreamConsumer], workers: bool, comparators: bool
) -> None:
    if any(row.waiting + row.in_flight for row in rows if row.status == LaunchStatus.ACTIVE) and not workers:
        print_warning("no worker is running: start one with `darklaunch worker`.")
    if any(row.to_compare for row in rows) and not comparators:
        print_warning("no comparator is running: start one with `darklaunch comparator`.")
    if any(not one.alive for one in consumers):
        print_line("What a process that is gone holds, others take over when its lease has ended.")
    for name in sorted({one.launch for one in consumers if one.breaker == "open"}):
        print_warning(f"the shadow of {name} does not answer: it is asked once a second. See `darklaunch doctor`.")
    if dead := sum(row.dead for row in rows):
        name = next(row.launch for row in rows if row.dead)
        print_line(f"{format_plural(dead, 'dead letter')}: look with `darklaunch dead list {name}`.")

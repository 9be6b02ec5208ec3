"""The page of how the machinery does: what is wrong, what waits where, which processes run, what nobody could process.

Redis and Postgres are read apart: what one of them knows is shown while the other is away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, TypeVar

from darklaunch_comparator.store.launches import list_launches
from darklaunch_comparator.store.report_queries import LaunchLedger, read_launch_ledger
from darklaunch_shared import keys
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.spec import LaunchState
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import ProcessRecord

from darklaunch_console.doctor.check_result import CheckLevel, CheckResult
from darklaunch_console.errors import ConsoleError, ServerUnreachable
from darklaunch_console.launches.backlog import LaunchBacklog, count_workers, measure_backlog
from darklaunch_console.launches.backlog_text import list_warnings, summarize_backlogs
from darklaunch_console.launches.description import describe_status
from darklaunch_console.output.screen import make_printable
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.consumers import StreamConsumer, read_consumers
from darklaunch_console.stores.dead_letters import StoredDeadLetter, read_dead_letters
from darklaunch_console.stores.postgres import Connection, open_postgres
from darklaunch_console.stores.processes import list_live_comparators, list_live_hooks, list_live_workers, read_clock_ms
from darklaunch_console.stores.redis import open_redis
from darklaunch_console.stores.streams import StreamsState, StreamState, read_published_launches, read_streams

LAUNCHES: Final = 100
"""Launches whose streams are listed, those that are furthest behind."""
DEAD_LETTERS: Final = 20
PROCESSES: Final = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """One stream of one shard, with the command that reads it."""

    shard: int
    name: str
    stream: StreamState
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchStreams:
    """A launch's streams, how far behind it is, and its dead letters."""

    launch: str
    status: str
    backlog: LaunchBacklog
    rows: tuple[StreamRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A process, what it has in flight over all launches, and how long ago it was heard of."""

    name: str
    host: str
    heard_s: float
    in_flight: int
    remarks: tuple[str, ...]
    alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRow:
    """A dead letter of a launch."""

    launch: str
    letter: StoredDeadLetter
    request: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A launch's ledger: what was sampled, what has an outcome, what is on its way."""

    launch: str
    status: str
    ledger: LaunchLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineState:
    """What Redis knows."""

    answer: str
    warnings: tuple[str, ...]
    streams: tuple[LaunchStreams, ...]
    more_launches: int
    workers: tuple[ProcessRow, ...]
    comparators: tuple[ProcessRow, ...]
    hooks: tuple[ProcessRow, ...]
    dead: tuple[DeadLetterRow, ...]
    dead_total: int
    waiting: int
    to_compare: int
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsPage:
    """All that the page shows; `pipeline` and `ledgers` are None while their server is away, `troubles` say why."""

    pipeline: PipelineState | None
    ledgers: tuple[LedgerRow, ...] | None
    checks: tuple[CheckResult, ...]
    troubles: tuple[str, ...] = field(default=())

    @property
    def failed(self) -> list[CheckResult]:
        """Checks of the doctor that found something that does not work, then its warnings."""
        return [each for level in (CheckLevel.FAIL, CheckLevel.WARN) for each in self.checks if each.level is level]


def read_operations(settings: ConsoleSettings, checks: Sequence[CheckResult]) -> OperationsPage:
    """Read both servers, each as far as it answers; `checks` are the doctor's latest."""
    troubles: list[str] = []
    pipeline = _try(lambda: _with_redis(settings), troubles)
    ledgers = _try(lambda: _with_postgres(settings), troubles)
    return OperationsPage(pipeline=pipeline, ledgers=ledgers, checks=tuple(checks), troubles=tuple(troubles))


def _try(read: Callable[[], T], troubles: list[str]) -> T | None:
    try:
        return read()
    except ServerUnreachable as unreachable:
        troubles.append(str(unreachable))
        return None


def _with_redis(settings: ConsoleSettings) -> PipelineState:
    with open_redis(settings) as redis:
        return read_pipeline(redis)


def _with_postgres(settings: ConsoleSettings) -> tuple[LedgerRow, ...]:
    with open_postgres(settings) as connection:
        return read_ledgers(connection)


def count_waiting_results(settings: ConsoleSettings) -> int | None:
    """Return how many exchanges wait on Redis to be compared and recorded; None if Redis does not answer either."""
    try:
        with open_redis(settings) as redis:
            states = read_published_launches(redis)
            streams = [read_streams(redis, state) for state in states.values()]
    except (ConsoleError, BadLaunch):
        return None
    return sum(shard.replays.length for each in streams for shard in each.shards)


def read_ledgers(connection: Connection) -> tuple[LedgerRow, ...]:
    """Read the ledger of each launch, those with the most on its way first."""
    rows = [
        LedgerRow(
            launch=record.state.name,
            status=describe_status(record.state),
            ledger=read_launch_ledger(connection, record.state.name),
        )
        for record in list_launches(connection)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.ledger.on_its_way, row.launch))[:LAUNCHES])


def read_pipeline(redis: RedisClient) -> PipelineState:
    """Read streams, processes and dead letters."""
    states = read_published_launches(redis)
    workers, comparators, hooks = list_live_workers(redis), list_live_comparators(redis), list_live_hooks(redis)
    streams = {name: read_streams(redis, state) for name, state in states.items()}
    backlogs = {
        name: measure_backlog(state, streams[name], streams[name], 1.0, count_workers(name, workers))
        for name, state in states.items()
    }
    consumers = read_consumers(redis, states.values(), workers, comparators)
    ordered = sorted(backlogs.values(), key=lambda backlog: (-backlog.oldest_s, backlog.launch))
    now_ms = read_clock_ms(redis)
    dead = [
        _build_dead_letter(state.name, letter)
        for state in states.values()
        if backlogs[state.name].dead
        for letter in islice(read_dead_letters(redis, state), DEAD_LETTERS)
    ]
    return PipelineState(
        answer=summarize_backlogs(ordered) if ordered else "No launch is published on this Redis.",
        warnings=tuple(list_warnings(ordered, consumers, workers=bool(workers), comparators=bool(comparators))),
        streams=tuple(
            _build_streams(states[backlog.launch], backlog, streams[backlog.launch]) for backlog in ordered[:LAUNCHES]
        ),
        more_launches=max(0, len(ordered) - LAUNCHES),
        workers=_build_processes(workers, "worker", consumers, now_ms),
        comparators=_build_processes(comparators, "comparator", consumers, now_ms),
        hooks=_build_processes(hooks, "hook", (), now_ms),
        dead=tuple(dead[:DEAD_LETTERS]),
        dead_total=sum(backlog.dead for backlog in ordered),
        waiting=sum(backlog.waiting + backlog.in_flight for backlog in ordered),
        to_compare=sum(backlog.to_compare for backlog in ordered),
        oldest_s=max((backlog.oldest_s for backlog in ordered), default=0.0),
    )


def _build_streams(state: LaunchState, backlog: LaunchBacklog, streams: StreamsState) -> LaunchStreams:
    rows = [
        StreamRow(
            shard=number,
            name=name,
            stream=stream,
            command=f"darklaunch redis-cli XINFO STREAM '{key(state.name, number)}'",
        )
        for number, shard in enumerate(streams.shards)
        for name, stream, key in (("captures", shard.captures, keys.captures), ("replays", shard.replays, keys.replays))
    ]
    return LaunchStreams(launch=state.name, status=describe_status(state), backlog=backlog, rows=tuple(rows))


def _build_processes(
    processes: Sequence[ProcessRecord], kind: str, consumers: Sequence[StreamConsumer], now_ms: int
) -> tuple[ProcessRow, ...]:
    """Return a row for each process that is alive, and for each gone one that others still have to take over from."""
    own = [consumer for consumer in consumers if consumer.kind == kind]
    rows = [
        ProcessRow(
            name=make_printable(process.id, 80),
            host=make_printable(f"{process.about.get('host', '?')} {process.about.get('pid', '')}", 80),
            heard_s=max(0.0, (now_ms - process.seen_ms) / 1000),
            in_flight=sum(each.in_flight for each in own if each.name == process.id),
            remarks=tuple(_list_remarks(process.about, [each for each in own if each.name == process.id])),
            alive=True,
        )
        for process in processes
    ]
    gone: dict[str, list[StreamConsumer]] = {}
    for each in own:
        if not each.alive:
            gone.setdefault(each.name, []).append(each)
    rows += [
        ProcessRow(
            name=make_printable(name, 80),
            host="",
            heard_s=min((each.idle_s or 0.0 for each in of_process), default=0.0),
            in_flight=sum(each.in_flight for each in of_process),
            remarks=("gone: others take over what it had in flight",),
            alive=False,
        )
        for name, of_process in gone.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.alive, row.name))[:PROCESSES])


def _list_remarks(about: dict[str, Any], consumers: Sequence[StreamConsumer]) -> list[str]:
    remarks = [str(about["app"])] if about.get("app") else []
    if about.get("leader"):
        remarks.append("leader")
    open_breakers = sorted({each.launch for each in consumers if each.breaker == "open"})
    if open_breakers:
        remarks.append(f"circuit breaker open: {', '.join(open_breakers)}")
    return [make_printable(remark, 120) for remark in remarks]


def _build_dead_letter(launch: str, letter: StoredDeadLetter) -> DeadLetterRow:
    method, target = letter.meta.get("method", ""), letter.meta.get("target", "")
    return DeadLetterRow(launch=launch, letter=letter, request=make_printable(f"{method} {target}".strip(), 120))

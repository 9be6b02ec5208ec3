"""The duty of finding lost exchanges: written to Redis, and gone by a flush, a restart, an eviction or a failover.

A producer's `seq` counts only exchanges that are surely on the stream, so each number from 1 to seq must have a row in
Postgres or an entry on the stream of captures or of replays. Each call records how far every producer has come (a
checkpoint); once a checkpoint is older than an exchange may take, the numbers up to it are due. A due number with
neither row nor entry becomes a row `dropped{lost_in_redis}`, which a late result replaces. Due numbers still on a
stream are awaited, that is, looked up again each time. So every other number is looked up once, and the cost follows
the traffic.

The streams are read before the rows, because an entry leaves the stream only after its row is committed. The rows are
looked up once more under the launch's lock, so that no result is committed between that and the row of the loss.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.errors import BadEntry
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.exchange_ids import list_exchange_ids
from darklaunch_shared.wire.dead_letter import pack_dead_notice, unpack_dead_letter
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection

from darklaunch_comparator.control.known_launches import list_shards, read_launch_specs
from darklaunch_comparator.pipeline.assess import assess_entry, compile_launch_rules
from darklaunch_comparator.results.result import ExchangeResult, create_lost_result
from darklaunch_comparator.store.lost_exchanges import (
    add_awaited,
    add_checkpoints,
    prefer_index_lookups,
    read_awaited,
    read_due_numbers,
    read_missing,
    read_unrecorded,
    remove_awaited,
    set_verified,
)
from darklaunch_comparator.store.partitions import today_utc
from darklaunch_comparator.store.write_batch import lock_launch, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache

MAX_NUMBERS: Final = 50_000
"""Numbers of one producer that are looked up by one call."""
MAX_ROWS: Final = 2_000
"""Rows written in one transaction, during which the launch's other writers wait."""

log = logging.getLogger("darklaunch.comparator")


@dataclass(slots=True)
class LostSearch:
    """What is searched for in one launch.

    missing    ids of exchanges that are due and have no row
    verified   the last due number, by producer
    awaited    ids of exchanges that were due before and still on a stream then
    """

    missing: list[str] = field(default_factory=list[str])
    verified: dict[str, int] = field(default_factory=dict[str, int])
    awaited: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class StreamedExchanges:
    """Exchange ids on a launch's streams: in progress, and dead with the stream and entry id of the dead letter."""

    in_progress: frozenset[str]
    dead: dict[str, tuple[str, str]]


class LostExchangeDetector:
    """Finds lost exchanges. They are due after `after_s`; None for the launch's max_age_s + 5 leases."""

    def __init__(self, after_s: float | None = None) -> None:
        self._after_s = after_s
        self._writer_cache = WriterCache()

    def find_lost(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Check every launch once, and record what is lost. Raises psycopg.Error and RedisError."""
        for launch, spec in read_launch_specs(connection, redis).items():
            after_s = self._after_s if self._after_s is not None else spec.max_age_s + 5 * spec.lease_s
            self._find_lost_of(connection, redis, launch, spec, after_s=after_s)

    def _find_lost_of(
        self, connection: Connection[Any], redis: RedisClient, launch: str, spec: LaunchSpec, *, after_s: float
    ) -> None:
        search = _search_due(connection, launch, after_s)
        if search.missing:
            streamed = _read_streams(redis, launch, spec)
            at_ms = time.time_ns() // 1_000_000 - int(after_s * 1000)
            for start in range(0, len(search.missing), MAX_ROWS):
                chunk = search.missing[start : start + MAX_ROWS]
                self._record_lost(connection, redis, launch, chunk, streamed=streamed, at_ms=at_ms)
        with connection.transaction(), connection.cursor() as cursor:
            set_verified(cursor, launch, search.verified)
            remove_awaited(cursor, launch, sorted(search.awaited - set(search.missing)))
            add_checkpoints(cursor, launch)

    def _record_lost(
        self,
        connection: Connection[Any],
        redis: RedisClient,
        launch: str,
        missing: Sequence[str],
        *,
        streamed: StreamedExchanges,
        at_ms: int,
    ) -> None:
        """Record those of the missing exchanges that still have no row as lost or dead, or as awaited."""
        with connection.transaction(), connection.cursor() as cursor:
            lock_launch(connection, launch)
            prefer_index_lookups(cursor)
            unrecorded = read_unrecorded(cursor, launch, missing)
            add_awaited(cursor, launch, [each for each in unrecorded if each in streamed.in_progress])
            lost = [
                _create_result(redis, launch, exchange_id, streamed, at_ms)
                for exchange_id in unrecorded
                if exchange_id not in streamed.in_progress
            ]
            if lost:
                write_batch(connection, launch, lost, self._writer_cache, alone=True)
            remove_awaited(cursor, launch, set(missing) - streamed.in_progress)
            crash_point("leader.losses_written")
        crash_point("leader.losses_committed")
        if lost:
            log.error("launch %s: %d exchanges were lost in Redis or died unnoticed", launch, len(lost))


def _search_due(connection: Connection[Any], launch: str, after_s: float) -> LostSearch:
    search = LostSearch()
    with connection.transaction(), connection.cursor() as cursor:
        prefer_index_lookups(cursor)
        search.awaited = read_awaited(cursor, launch)
        since = today_utc() - timedelta(days=1, seconds=after_s)
        until = today_utc() + timedelta(days=1)
        for due in read_due_numbers(cursor, launch, after_s=after_s, most=MAX_NUMBERS):
            search.verified[due.producer] = due.last
            search.missing += read_missing(cursor, launch, due, since=since, until=until)
        if search.awaited:
            search.missing += read_unrecorded(cursor, launch, sorted(search.awaited))
    return search


def _read_streams(redis: RedisClient, launch: str, spec: LaunchSpec) -> StreamedExchanges:
    """Read the ids on the launch's streams, upstream first: an entry that moves on meanwhile is seen further down."""
    in_progress: set[str] = set()
    dead: dict[str, tuple[str, str]] = {}
    for shard in list_shards(spec):
        for stream in (keys.captures(launch, shard), keys.replays(launch, shard)):
            in_progress.update(exchange_id for _, exchange_id in list_exchange_ids(redis, stream))
        dead_letters = keys.dead(launch, shard)
        for entry_id, exchange_id in list_exchange_ids(redis, dead_letters):
            dead[exchange_id] = dead_letters, entry_id
    return StreamedExchanges(frozenset(in_progress), dead)


def _create_result(
    redis: RedisClient, launch: str, exchange_id: str, streamed: StreamedExchanges, at_ms: int
) -> ExchangeResult:
    """Return the result of an exchange with a dead letter whose notice was lost, or of a lost one."""
    died = _read_dead_letter(redis, launch, *streamed.dead[exchange_id]) if exchange_id in streamed.dead else None
    return died or create_lost_result(exchange_id, at_ms)


def _read_dead_letter(redis: RedisClient, launch: str, stream: str, entry_id: str) -> ExchangeResult | None:
    for _, fields in redis.execute_command("XRANGE", stream, entry_id, entry_id):
        letter = unpack_dead_letter(pair_fields(fields))
        notice = pack_dead_notice(letter.fields, entry_id, launch)
        try:
            return assess_entry(launch, notice, compile_launch_rules(LaunchSpec(shadow="")))
        except BadEntry:
            return None
    return None

"""Find exchanges that were written to Redis and are nowhere now: lost by a flush, a restart, an eviction, a failover.

A producer's `seq` counts only exchanges that are surely on the stream, so each number 1 … seq must have a row in the
record or an entry on the stream of captures or of replays. Each look notes how far every producer has come (a
checkpoint); when a checkpoint is older than an exchange may need to travel, the numbers up to it are due. What is due
and has neither row nor entry becomes a row `dropped{lost_in_redis}`, which a late result replaces. Numbers still on a
stream are awaited: looked up again each time. So every number is looked up once, and the cost follows the traffic.

The streams are read before the rows: an entry leaves the stream after its row is committed. And the rows are looked up
for the last time under the launch's lock, so that no result is committed between that look and the verdict.
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

MOST_NUMBERS: Final = 50_000
"""Numbers of one producer that are looked up at one look."""
AT_ONCE: Final = 2_000
"""Rows that are written in one transaction, during which the launch's other writers wait."""

log = logging.getLogger("darklaunch.comparator")


@dataclass(slots=True)
class LostSearch:
    """What one look at a launch has in hand: exchange ids without a row, and how far each producer is due."""

    missing: list[str] = field(default_factory=list[str])
    verified: dict[str, int] = field(default_factory=dict[str, int])
    awaited: set[str] = field(default_factory=set[str])


@dataclass(frozen=True, slots=True)
class StreamedExchanges:
    """Exchange ids on a launch's streams: on their way, and dead with the place of the letter."""

    travelling: frozenset[str]
    dead: dict[str, tuple[str, str]]


class LostExchangeDetector:
    """Looks for lost exchanges. `after_s` is when one is due; by default the launch's max_age_s + 5 leases."""

    def __init__(self, after_s: float | None = None) -> None:
        self._after_s = after_s
        self._memory = WriterCache()

    def look(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Look at every launch once. Raises psycopg.Error and RedisError."""
        for launch, spec in read_launch_specs(connection, redis).items():
            after_s = self._after_s if self._after_s is not None else spec.max_age_s + 5 * spec.lease_s
            self._look_at(connection, redis, launch, spec, after_s)

    def _look_at(
        self, connection: Connection[Any], redis: RedisClient, launch: str, spec: LaunchSpec, after_s: float
    ) -> None:
        search = _search(connection, launch, after_s)
        if search.missing:
            streams = _streams(redis, launch, spec)
            at_ms = time.time_ns() // 1_000_000 - int(after_s * 1000)
            for at in range(0, len(search.missing), AT_ONCE):
                chunk = search.missing[at : at + AT_ONCE]
                self._settle(connection, redis, launch, chunk, streams, at_ms)
        with connection.transaction(), connection.cursor() as cursor:
            set_verified(cursor, launch, search.verified)
            remove_awaited(cursor, launch, sorted(search.awaited - set(search.missing)))
            add_checkpoints(cursor, launch)

    def _settle(
        self,
        connection: Connection[Any],
        redis: RedisClient,
        launch: str,
        missing: Sequence[str],
        streams: StreamedExchanges,
        at_ms: int,
    ) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            lock_launch(connection, launch)
            prefer_index_lookups(cursor)
            gone = read_unrecorded(cursor, launch, missing)
            add_awaited(cursor, launch, [identity for identity in gone if identity in streams.travelling])
            lost = [
                _died(redis, launch, *streams.dead[identity]) or create_lost_result(identity, at_ms)
                if identity in streams.dead
                else create_lost_result(identity, at_ms)
                for identity in gone
                if identity not in streams.travelling
            ]
            if lost:
                write_batch(connection, launch, lost, self._memory, alone=True)
            remove_awaited(cursor, launch, set(missing) - streams.travelling)
            crash_point("leader.losses_written")
        crash_point("leader.losses_committed")
        if lost:
            log.error("launch %s: %d exchanges were lost in Redis or died unseen", launch, len(lost))


def _search(connection: Connection[Any], launch: str, after_s: float) -> LostSearch:
    search = LostSearch()
    with connection.transaction(), connection.cursor() as cursor:
        prefer_index_lookups(cursor)
        search.awaited = read_awaited(cursor, launch)
        since = today_utc() - timedelta(days=1, seconds=after_s)
        until = today_utc() + timedelta(days=1)
        for due in read_due_numbers(cursor, launch, after_s=after_s, most=MOST_NUMBERS):
            search.verified[due.producer] = due.last
            search.missing += read_missing(cursor, launch, due, since=since, until=until)
        if search.awaited:
            search.missing += read_unrecorded(cursor, launch, sorted(search.awaited))
    return search


def _streams(redis: RedisClient, launch: str, spec: LaunchSpec) -> StreamedExchanges:
    """Read what is on the streams, upstream first: an entry that moves on meanwhile is met further down."""
    travelling: set[str] = set()
    dead: dict[str, tuple[str, str]] = {}
    for shard in list_shards(spec):
        travelling.update(identity for _, identity in list_exchange_ids(redis, keys.captures(launch, shard)))
        travelling.update(identity for _, identity in list_exchange_ids(redis, keys.replays(launch, shard)))
        stream = keys.dead(launch, shard)
        dead |= {identity: (stream, entry_id) for entry_id, identity in list_exchange_ids(redis, stream)}
    return StreamedExchanges(frozenset(travelling), dead)


def _died(redis: RedisClient, launch: str, stream: str, entry_id: str) -> ExchangeResult | None:
    """Read a dead letter as the notice that should have come with it."""
    for _, fields in redis.execute_command("XRANGE", stream, entry_id, entry_id):
        letter = unpack_dead_letter(pair_fields(fields))
        try:
            return assess_entry(
                launch, pack_dead_notice(letter.fields, entry_id, launch), compile_launch_rules(LaunchSpec(shadow=""))
            )
        except BadEntry:
            return None
    return None

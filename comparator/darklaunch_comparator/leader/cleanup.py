"""The duty of cleaning up: old partitions and dead letters, and what processes that are gone left on Redis."""

import logging
from typing import Any, Final

from darklaunch_shared import keys
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection
from redis.exceptions import ResponseError

from darklaunch_comparator.control.known_launches import list_launch_shards
from darklaunch_comparator.store.partitions import ResultPartitions, today_utc
from darklaunch_comparator.store.producers import read_finished_producers

FORGET_AFTER_MS: Final = 600_000
"""A process or route table not seen for this long is removed from its registry."""
SILENT_MS: Final = 60_000
"""A process seen within this time is alive."""
_DAY_MS: Final = 86_400_000

log = logging.getLogger("darklaunch.comparator")


class Cleanup:
    """Removes what is too old. `retention_days` is how long results and dead letters are kept."""

    def __init__(self, retention_days: int) -> None:
        self._retention_days = retention_days

    def clean_up(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Remove everything that is due once, and create the coming partitions. Raises psycopg.Error and RedisError."""
        for day in ResultPartitions(connection, self._retention_days).maintain(today_utc()):
            log.info("dropped the results of %s", day)
        crash_point("leader.partitions_maintained")
        seconds, micros = redis.execute_command("TIME")
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        alive = _forget_processes(redis, now_ms)
        for launch, shard in list_launch_shards(connection, redis):
            self._trim_dead_letters(redis, launch, shard, now_ms)
            _remove_idle_consumers(redis, keys.captures(launch, shard), keys.WORKER_GROUP, alive)
            _remove_idle_consumers(redis, keys.replays(launch, shard), keys.COMPARATOR_GROUP, alive)
            _forget_producers(connection, redis, launch, shard)

    def _trim_dead_letters(self, redis: RedisClient, launch: str, shard: int, now_ms: int) -> None:
        oldest_id = f"{now_ms - self._retention_days * _DAY_MS}-0"
        try:
            trimmed = redis.execute_command("XTRIM", keys.dead(launch, shard), "MINID", oldest_id)
        except ResponseError as error:
            log.debug("launch %s: dead letters cannot be trimmed: %s", launch, error)
            return
        if trimmed:
            redis.execute_command("HINCRBY", keys.ledger(launch, shard), "dead_trimmed", trimmed)


def _forget_processes(redis: RedisClient, now_ms: int) -> set[str]:
    """Remove processes and route tables not seen for ten minutes; return the identities seen within the last one."""
    alive: set[str] = set()
    for registry in (keys.HOOKS, keys.WORKERS, keys.COMPARATORS, keys.ROUTES):
        try:
            records = pair_fields(redis.execute_command("HGETALL", registry))
        except ResponseError as error:
            log.debug("%s cannot be read: %s", registry, error)
            continue
        for identity, record in records.items():
            seen_ms = record.partition(b" ")[0]
            age_ms = now_ms - int(seen_ms) if seen_ms.isdigit() and len(seen_ms) <= 15 else FORGET_AFTER_MS + 1
            if age_ms > FORGET_AFTER_MS:
                redis.execute_command("HDEL", registry, identity)
            elif age_ms <= SILENT_MS:
                alive.add(identity.decode(errors="replace"))
    return alive


def _remove_idle_consumers(redis: RedisClient, stream: str, group: str, alive: set[str]) -> None:
    """Remove a group's consumers that are gone and have no pending entries; others claim pending entries first."""
    try:
        consumers = redis.execute_command("XINFO", "CONSUMERS", stream, group)
    except ResponseError:
        return  # the stream or the group does not exist yet
    for reply in consumers:
        consumer = pair_fields(reply)
        name = consumer[b"name"].decode(errors="replace")
        if int(consumer[b"pending"]) == 0 and int(consumer[b"idle"]) > SILENT_MS and name not in alive:
            call_script(redis, ScriptCall("leave_group", (stream,), (group, name)))


def _forget_producers(connection: Connection[Any], redis: RedisClient, launch: str, shard: int) -> None:
    """Remove producers from Redis that ended long ago and whose every exchange has a row in Postgres."""
    finished = {producer.encode() for producer in read_finished_producers(connection, launch)}
    for key in (keys.producers(launch, shard), keys.admitted(launch, shard)):
        try:
            removable = finished.intersection(redis.execute_command("HKEYS", key))
        except ResponseError as error:
            log.debug("%s cannot be read: %s", key, error)
            continue
        if removable:
            redis.execute_command("HDEL", key, *removable)

"""Housekeeping: partitions made ahead and dropped, dead letters that are too old, consumers and registries of processes
that are gone, counters of producers that have long ended.
"""

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
SILENT_MS: Final = 60_000
_DAY_MS: Final = 86_400_000

log = logging.getLogger("darklaunch.comparator")


class Cleanup:
    """Tidies up. `retention_days` is how long rows and dead letters are kept."""

    def __init__(self, retention_days: int) -> None:
        self._retention_days = retention_days

    def tidy(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Do everything once. Raises psycopg.Error and RedisError."""
        for day in ResultPartitions(connection, self._retention_days).maintain(today_utc()):
            log.info("dropped the results of %s", day)
        crash_point("leader.partitions_maintained")
        seconds, micros = redis.execute_command("TIME")
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        alive = _forget_processes(redis, now_ms)
        for launch, shard in list_launch_shards(connection, redis):
            self._trim_dead(redis, launch, shard, now_ms)
            _reap(redis, keys.captures(launch, shard), keys.WORKER_GROUP, alive)
            _reap(redis, keys.replays(launch, shard), keys.COMPARATOR_GROUP, alive)
            _forget_producers(connection, redis, launch, shard)

    def _trim_dead(self, redis: RedisClient, launch: str, shard: int, now_ms: int) -> None:
        oldest = f"{now_ms - self._retention_days * _DAY_MS}-0"
        try:
            trimmed = redis.execute_command("XTRIM", keys.dead(launch, shard), "MINID", oldest)
        except ResponseError as broken:
            log.debug("launch %s: its dead letters cannot be trimmed: %s", launch, broken)
            return
        if trimmed:
            redis.execute_command("HINCRBY", keys.ledger(launch, shard), "dead_trimmed", trimmed)


def _forget_processes(redis: RedisClient, now_ms: int) -> set[str]:
    """Take processes and route tables not seen for ten minutes off the registries, and give those seen lately."""
    alive: set[str] = set()
    for registry in (keys.HOOKS, keys.WORKERS, keys.COMPARATORS, keys.ROUTES):
        try:
            stored = pair_fields(redis.execute_command("HGETALL", registry))
        except ResponseError as broken:
            log.debug("%s cannot be read: %s", registry, broken)
            continue
        for identity, record in stored.items():
            seen = record.partition(b" ")[0]
            age_ms = now_ms - int(seen) if seen.isdigit() and len(seen) <= 15 else FORGET_AFTER_MS + 1
            if age_ms > FORGET_AFTER_MS:
                redis.execute_command("HDEL", registry, identity)
            elif age_ms <= SILENT_MS:
                alive.add(identity.decode(errors="replace"))
    return alive


def _reap(redis: RedisClient, stream: str, group: str, alive: set[str]) -> None:
    """Delete a group's consumers that are gone and hold nothing. What others hold is claimed from them first."""
    try:
        consumers = redis.execute_command("XINFO", "CONSUMERS", stream, group)
    except ResponseError:
        return  # there is no such stream or group yet
    for consumer in consumers:
        told = pair_fields(consumer)
        name = told[b"name"].decode(errors="replace")
        if int(told[b"pending"]) == 0 and int(told[b"idle"]) > SILENT_MS and name not in alive:
            call_script(redis, ScriptCall("leave_group", (stream,), (group, name)))


def _forget_producers(connection: Connection[Any], redis: RedisClient, launch: str, shard: int) -> None:
    """Take producers off Redis that ended long ago and whose every exchange is accounted for in the record."""
    settled = {producer.encode() for producer in read_finished_producers(connection, launch)}
    for key in (keys.producers(launch, shard), keys.admitted(launch, shard)):
        try:
            done = settled.intersection(redis.execute_command("HKEYS", key))
        except ResponseError as broken:
            log.debug("%s cannot be read: %s", key, broken)
            continue
        if done:
            redis.execute_command("HDEL", key, *done)

"""Housekeeping on Redis: what processes left behind goes away, what anyone still needs stays."""

import time
from typing import Any

import pytest
from darklaunch_comparator.leader import cleanup
from darklaunch_comparator.leader.cleanup import Cleanup
from darklaunch_comparator.leader.lost_exchanges import LostExchangeDetector
from darklaunch_comparator.leader.producer_counters import ProducerCounterSync
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import heartbeat
from darklaunch_shared.redis.script_calls import call_script
from darklaunch_shared.wire.fields import pair_fields
from darklaunch_shared.wire.producer_counters import ProducerCounters, pack_counters
from psycopg import Connection

from tests.support.comparators import put, start
from tests.support.exchanges import DAY_MS, NOW_MS, PRODUCER, exchange, finding, replayed


def test_days_are_made_and_old_dead_letters_trimmed_and_counted(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    for age_days in (20, 15, 1):
        redis.execute_command("XADD", keys.dead(launch_name), f"{NOW_MS - age_days * DAY_MS}-1", "id", "x:1")
    Cleanup(14).clean_up(connection, redis)
    assert redis.execute_command("XLEN", keys.dead(launch_name)) == 1
    assert redis.execute_command("HGET", keys.ledger(launch_name), "dead_trimmed") == b"2"
    assert connection.execute("SELECT count(*) FROM darklaunch.partition_days()").fetchone() == (4,)


def test_processes_that_are_gone_leave_the_registries(connection: Connection[Any], redis: RedisClient) -> None:
    call_script(redis, heartbeat(keys.WORKERS, "alive", {}))
    now_ms = time.time_ns() // 1_000_000
    for name, seen in (("silent", now_ms - 300_000), ("gone", now_ms - 700_000)):
        redis.execute_command("HSET", keys.WORKERS, name, f"{seen} {{}}")
    redis.execute_command("HSET", keys.HOOKS, "damaged", "what?", "future", f"{now_ms + 5000} {{}}")
    redis.execute_command("SET", keys.COMPARATORS, "a string")
    Cleanup(14).clean_up(connection, redis)
    assert set(pair_fields(redis.execute_command("HGETALL", keys.WORKERS))) == {b"alive", b"silent"}
    assert set(pair_fields(redis.execute_command("HGETALL", keys.HOOKS))) == {b"future"}


def test_consumers_that_are_gone_and_hold_nothing_are_deleted(
    connection: Connection[Any], redis: RedisClient, launch_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "SILENT_MS", -1)
    start(connection, redis, launch_name)
    stream = keys.replays(launch_name)
    put(redis, launch_name, [replayed(exchange(launch_name, 1))])
    redis.execute_command("XGROUP", "CREATE", stream, keys.COMPARATOR_GROUP, "0")
    read = ("XREADGROUP", "GROUP", keys.COMPARATOR_GROUP)
    redis.execute_command(*read, "holding", "COUNT", 1, "STREAMS", stream, ">")
    redis.execute_command("XGROUP", "CREATECONSUMER", stream, keys.COMPARATOR_GROUP, "idle")
    Cleanup(14).clean_up(connection, redis)
    left = redis.execute_command("XINFO", "CONSUMERS", stream, keys.COMPARATOR_GROUP)
    assert [pair_fields(consumer)[b"name"] for consumer in left] == [b"holding"]


def test_a_consumer_that_shows_signs_of_life_stays(
    connection: Connection[Any], redis: RedisClient, launch_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(connection, redis, launch_name)
    stream = keys.replays(launch_name)
    redis.execute_command("XGROUP", "CREATE", stream, keys.COMPARATOR_GROUP, "0", "MKSTREAM")
    for name in ("beating", "gone"):
        redis.execute_command("XGROUP", "CREATECONSUMER", stream, keys.COMPARATOR_GROUP, name)
    Cleanup(14).clean_up(connection, redis)
    assert len(redis.execute_command("XINFO", "CONSUMERS", stream, keys.COMPARATOR_GROUP)) == 2
    monkeypatch.setattr(cleanup, "SILENT_MS", 300)
    time.sleep(0.4)
    redis.execute_command("HSET", keys.COMPARATORS, "beating", f"{time.time_ns() // 1_000_000 + 1_000} {{}}")
    Cleanup(14).clean_up(connection, redis)
    left = redis.execute_command("XINFO", "CONSUMERS", stream, keys.COMPARATOR_GROUP)
    assert [pair_fields(consumer)[b"name"] for consumer in left] == [b"beating"]


def test_producers_that_ended_long_ago_leave_redis_once_they_are_accounted_for(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    long_ago_ms = NOW_MS - 2 * DAY_MS
    for producer, at_ms in ((PRODUCER, long_ago_ms), ("unfinished", long_ago_ms), ("recent", NOW_MS)):
        counters = ProducerCounters(producer, long_ago_ms, at_ms, 1, 1)
        redis.execute_command("HSET", keys.producers(launch_name), producer, pack_counters(counters))
    ProducerCounterSync().copy_counters(connection, redis)
    done = [finding(replayed(exchange(launch_name, 1, producer=name)), launch_name) for name in (PRODUCER, "recent")]
    write_batch(connection, launch_name, done, WriterCache())
    put(redis, launch_name, [replayed(exchange(launch_name, 1, producer="unfinished"))])
    connection.execute("UPDATE darklaunch.producer SET verified = 1 WHERE producer <> 'unfinished'")
    LostExchangeDetector(3600).find_lost(connection, redis)
    Cleanup(14).clean_up(connection, redis)
    left = set(pair_fields(redis.execute_command("HGETALL", keys.producers(launch_name))))
    assert left == {b"unfinished", b"recent"}

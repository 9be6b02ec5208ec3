"""The producers' counters in the record, and the ledger that they and the rows add up to."""

from typing import Any

import orjson
from darklaunch_comparator.leader.producer_counters import ProducerCounterSync
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.wire.producer_counters import ProducerCounters, pack_counters
from psycopg import Connection

from tests.support.comparators import start
from tests.support.exchanges import NOW_MS, PRODUCER, exchange, finding, replayed, some_findings


def say(redis: RedisClient, launch: str, *, producer: str = PRODUCER, shard: int = 0, **counts: Any) -> None:
    given: dict[str, Any] = {"started_ms": NOW_MS - 60_000, "at_ms": NOW_MS, "seq": 0, "sampled": 0, **counts}
    raw = pack_counters(ProducerCounters(producer, **given))
    redis.execute_command("HSET", keys.producers(launch, shard), producer, raw)


def test_the_ledger_is_what_producers_say_and_what_is_recorded(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name, shards=2)
    say(redis, launch_name, seq=90, sampled=100, dropped={"buffer_full": 4, "shed": 1}, skipped={"path": 7})
    say(redis, launch_name, producer="second", shard=1, seq=10, sampled=10, dropped={"shed": 2}, closed=True)
    ProducerCounterSync().copy_counters(connection, redis)
    write_batch(connection, launch_name, some_findings(launch_name, 80), WriterCache())
    ledger = report_queries.read_launch_ledger(connection, launch_name)
    assert ledger.sampled == 100 + 12 and ledger.settled == 80 + 7
    assert ledger.on_its_way == ledger.sampled - ledger.settled
    assert ledger.skipped == {"path": 7}
    reasons = ledger.dropped_by_reason
    assert (reasons["buffer_full"], reasons["shed"]) == (4, 3) and ledger.dropped == sum(reasons.values())


def test_counters_never_go_down(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    start(connection, redis, launch_name)
    ledger = ProducerCounterSync()
    say(redis, launch_name, seq=10, sampled=14, dropped={"shed": 3, "stale": 1}, closed=True)
    ledger.copy_counters(connection, redis)
    say(redis, launch_name, seq=9, sampled=20, dropped={"shed": 5}, skipped={"loop": 1})
    ledger.copy_counters(connection, redis)
    row = connection.execute("SELECT seq, sampled, dropped, skipped, closed FROM darklaunch.producer").fetchone()
    assert row == (10, 20, {"shed": 5, "stale": 1}, {"loop": 1}, True)


def test_a_producer_that_died_before_it_could_tell_is_known_by_what_it_put_on_the_stream(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    redis.execute_command("HSET", keys.admitted(launch_name), PRODUCER, "17")
    ProducerCounterSync().copy_counters(connection, redis)
    assert report_queries.read_launch_ledger(connection, launch_name).sampled == 17
    unheard = finding(replayed(exchange(launch_name, 1, producer="unheard")), launch_name)
    write_batch(connection, launch_name, [unheard], WriterCache())
    ledger = report_queries.read_launch_ledger(connection, launch_name)
    assert (ledger.sampled, ledger.on_its_way) == (18, 17), "a row proves that its exchange was sampled"


def test_damaged_counters_are_skipped_and_stop_no_other(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    whole = {"producer": "x", "started_ms": 1, "at_ms": 2, "seq": 1, "sampled": 1}
    more: dict[str, Any] = {"dropped": {}, "skipped": {}, "closed": False}
    damaged: dict[str, bytes] = {
        "a": b"not json",
        "b": orjson.dumps([1]),
        "c": orjson.dumps({**whole, **more, "producer": "other"}),
        "d": orjson.dumps({**whole, **more, "producer": "d", "seq": 5}),
        "e": orjson.dumps({**whole, **more, "producer": "e", "sampled": 2**60}),
        "f": orjson.dumps({**whole, **more, "producer": "f", "dropped": {"x": -1}}),
        "g": orjson.dumps({**whole, **more, "producer": "g", "at_ms": 2**61}),
        "not a producer": orjson.dumps({**whole, **more, "producer": "not a producer"}),
        "h": orjson.dumps({**whole, **more, "producer": "h", "dropped": {"\0" + "y" * 999: 1}}),
    }
    for name, raw in damaged.items():
        redis.execute_command("HSET", keys.producers(launch_name), name, raw)
    redis.execute_command("HSET", keys.admitted(launch_name), "i", "many", "j", "9" * 40)
    say(redis, launch_name, seq=3, sampled=3)
    redis.execute_command("SET", keys.producers(f"{launch_name}-2"), "a string")
    redis.execute_command("SADD", keys.LAUNCHES, f"{launch_name}-2")
    ProducerCounterSync().copy_counters(connection, redis)
    stored = connection.execute("SELECT producer FROM darklaunch.producer ORDER BY producer").fetchall()
    assert stored == [(PRODUCER,), ("h",)]

"""The gap detector: what is nowhere is counted, what is on its way is not, and a late result sets it right."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from darklaunch_comparator.leader.lost_exchanges import LostExchangeDetector
from darklaunch_comparator.leader.producer_counters import ProducerCounterSync
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.exchange_ids import list_exchange_ids
from darklaunch_shared.redis.script_calls import ScriptCall, call_script
from darklaunch_shared.wire.dead_letter import pack_dead_letter
from darklaunch_shared.wire.fields import Fields
from psycopg import Connection

from tests.support.comparators import outcomes, put, start
from tests.support.exchanges import DAY_MS, NOW_MS, PRODUCER, assert_sums_equal_rows, exchange, finding, replayed
from tests.support.pack_exchange import pack_exchange


def came_to(connection: Connection[Any], redis: RedisClient, launch: str, seq: int, shard: int = 0) -> None:
    redis.execute_command("HSET", keys.admitted(launch, shard), PRODUCER, str(seq))
    ProducerCounterSync().copy_counters(connection, redis)


def record(connection: Connection[Any], launch: str, *seqs: int, at_ms: int = NOW_MS) -> None:
    findings = [finding(replayed(exchange(launch, seq, at_ms=at_ms)), launch) for seq in seqs]
    write_batch(connection, launch, findings, WriterCache())


def add(redis: RedisClient, stream: str, fields: Fields) -> None:
    redis.execute_command("XADD", stream, "*", *[part for pair in fields.items() for part in pair])


def lost(connection: Connection[Any], launch: str) -> set[int]:
    rows = connection.execute(
        "SELECT exchange_id FROM darklaunch.result WHERE launch = %s AND reason = 'lost_in_redis'", [launch]
    )
    return {int(identity.partition(":")[2]) for (identity,) in rows}


def look(connection: Connection[Any], redis: RedisClient, times: int = 2, after_s: float = 0) -> None:
    """Look a few times: a number is due at the second look after the producer came to it."""
    for _ in range(times):
        LostExchangeDetector(after_s).find_lost(connection, redis)


def test_what_is_nowhere_is_counted_and_what_is_somewhere_is_not(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name, shards=2)
    came_to(connection, redis, launch_name, 8)
    record(connection, launch_name, 1, 2)
    record(connection, launch_name, 3, at_ms=NOW_MS - 9 * DAY_MS)
    add(redis, keys.captures(launch_name, 1), pack_exchange(exchange(launch_name, 4)))
    put(redis, launch_name, [replayed(exchange(launch_name, 5))])
    look(connection, redis)
    assert lost(connection, launch_name) == {6, 7, 8}
    assert report_queries.read_launch_ledger(connection, launch_name).dropped_by_reason == {"lost_in_redis": 3}
    assert_sums_equal_rows(connection, launch_name)


def test_nothing_is_lost_before_its_time(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 5)
    look(connection, redis, times=3, after_s=3600)
    assert lost(connection, launch_name) == set()
    look(connection, redis, times=1)
    assert lost(connection, launch_name) == {1, 2, 3, 4, 5}


def test_what_is_awaited_is_looked_for_again(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 3)
    entries = put(redis, launch_name, [replayed(exchange(launch_name, seq)) for seq in (1, 2, 3)])
    look(connection, redis)
    assert lost(connection, launch_name) == set()
    record(connection, launch_name, 1)
    redis.execute_command("XDEL", keys.replays(launch_name), entries[0], entries[1])
    look(connection, redis, times=1)
    assert lost(connection, launch_name) == {2}
    waiting = connection.execute("SELECT seq FROM darklaunch.awaited WHERE launch = %s", [launch_name]).fetchall()
    assert waiting == [(3,)], "the others are settled and not looked for any more"


def test_every_number_is_looked_up_once(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    start(connection, redis, launch_name)
    for come in (2, 5, 9):
        came_to(connection, redis, launch_name, come)
        record(connection, launch_name, *range(1, come + 1))
        look(connection, redis)
    verified = connection.execute("SELECT verified FROM darklaunch.producer WHERE launch = %s", [launch_name])
    assert verified.fetchone() == (9,)
    (left,) = connection.execute("SELECT count(*) FROM darklaunch.checkpoint").fetchone() or (None,)
    assert left == 0
    connection.execute("DELETE FROM darklaunch.result WHERE launch = %s", [launch_name])
    look(connection, redis)
    assert lost(connection, launch_name) == set()


def test_a_late_result_replaces_a_loss_and_the_sums_follow(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 2)
    look(connection, redis)
    record(connection, launch_name, 2, at_ms=NOW_MS - DAY_MS)
    assert outcomes(connection, launch_name) == {f"{PRODUCER}:1": "dropped", f"{PRODUCER}:2": "matched"}
    assert_sums_equal_rows(connection, launch_name)
    look(connection, redis)
    ledger = report_queries.read_launch_ledger(connection, launch_name)
    assert (ledger.sampled, ledger.settled) == (2, 2)


def test_a_result_that_is_being_committed_is_waited_for(
    connection: Connection[Any], redis: RedisClient, own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 1)
    look(connection, redis, times=1)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as other, ThreadPoolExecutor(1) as pool:
        prepare_connection(other)
        with other.transaction():
            record(other, launch_name, 1, at_ms=NOW_MS - DAY_MS)
            looked = pool.submit(look, connection, redis, times=1)
            time.sleep(0.3)
            assert not looked.done()
        looked.result(20)
    assert outcomes(connection, launch_name) == {f"{PRODUCER}:1": "matched"}
    assert_sums_equal_rows(connection, launch_name)


def test_a_dead_letter_whose_notice_was_lost_is_recorded_as_dead(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 2)
    fields = pack_exchange(exchange(launch_name, 1))
    add(redis, keys.dead(launch_name), pack_dead_letter(fields, "killed its worker", "workers", 5, NOW_MS))
    add(redis, keys.dead(launch_name), pack_dead_letter({b"id": b"abcd1234:2"}, "no meta", "workers", 1, NOW_MS))
    look(connection, redis)
    assert outcomes(connection, launch_name) == {f"{PRODUCER}:1": "dead", f"{PRODUCER}:2": "dead"}
    row = report_queries.read_result(connection, launch_name, f"{PRODUCER}:1")
    assert row is not None and row.endpoint == "GET /orders/{id}"


def test_many_pages_and_many_rows(connection: Connection[Any], redis: RedisClient, launch_name: str) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 5000)
    put(redis, launch_name, [replayed(exchange(launch_name, seq)) for seq in range(1, 900)])
    look(connection, redis)
    assert lost(connection, launch_name) == set(range(900, 5001))
    assert_sums_equal_rows(connection, launch_name)


def test_entries_of_strangers_on_the_streams_are_no_hindrance(
    connection: Connection[Any], redis: RedisClient, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    came_to(connection, redis, launch_name, 1)
    add(redis, keys.captures(launch_name), {b"odd": b"\xff"})
    add(redis, keys.dead(launch_name), {b"id": b"abcd1234:1\xff"})
    look(connection, redis)
    assert lost(connection, launch_name) == {1}


def test_streams_of_large_entries_are_listed_whole_in_small_pages(redis: RedisClient, launch_name: str) -> None:
    stream = keys.captures(launch_name)
    for seq in range(45):
        add(redis, stream, {keys.ID: f"{PRODUCER}:{seq}".encode(), keys.REQUEST: b"x" * 100_000})
    add(redis, stream, {b"hello": b"world"})
    assert [identity for _, identity in list_exchange_ids(redis, stream)] == [
        *(f"{PRODUCER}:{seq}" for seq in range(45)),
        "",
    ]
    assert (
        len(call_script(redis, ScriptCall("list_exchange_ids", (stream,), ("0-0", 200)))) == 2 * 20
    )  # two steps of ten, past a megabyte

"""A comparator at work: every entry becomes one row, whatever is written on the stream and whatever goes away."""

import asyncio
import logging
from functools import partial
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.compare import compare
from darklaunch_comparator.pipeline import assess
from darklaunch_comparator.pipeline.writer_pool import WriterPool
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.connect import connect_store
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import RedisClient
from darklaunch_shared.redis.presence import read_alive
from darklaunch_shared.wire.dead_letter import unpack_dead_letter
from darklaunch_shared.wire.fields import pair_fields
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.comparators import (
    comparing,
    has_outcomes,
    leaders,
    length,
    outcomes,
    pending,
    put,
    settings_for,
    start,
    until,
)
from tests.support.exchanges import PRODUCER, assert_sums_equal_rows, exchange, lost, replayed, unanswered

pytestmark = pytest.mark.anyio


def of_each_kind(launch: str, count: int, first: int = 1) -> list[dict[bytes, bytes]]:
    entries: list[dict[bytes, bytes]] = []
    for seq in range(first, first + count):
        captured = exchange(launch, seq, endpoint=f"GET /e{seq % 3}")
        kinds = (replayed(captured), replayed(captured, body={"total": 2}), unanswered(captured), lost(captured))
        entries.append(kinds[seq % 4])
    return entries


async def test_entries_become_rows_and_leave_the_stream(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name, shards=2)
    put(redis, launch_name, of_each_kind(launch_name, 100), shard=0)
    put(redis, launch_name, of_each_kind(launch_name, 100, first=101), shard=1)
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: len(outcomes(connection, launch_name)) == 200)
        await until(lambda: not any(length(redis, keys.replays(launch_name, shard)) for shard in (0, 1)))
    assert_sums_equal_rows(connection, launch_name)
    ledger = report_queries.read_launch_ledger(connection, launch_name)
    assert (ledger.matched, ledger.mismatched, ledger.shadow_error, ledger.dropped) == (50, 50, 50, 50)
    assert (ledger.sampled, ledger.on_its_way) == (200, 0)
    counted = pair_fields(redis.execute_command("HGETALL", keys.ledger(launch_name)))
    assert counted[b"recorded"] == b"100"
    groups = redis.execute_command("XINFO", "GROUPS", keys.replays(launch_name))
    assert int(pair_fields(groups[0])[b"consumers"]) == 0, "it left the group"


async def test_results_are_recorded_whatever_the_launch_is_doing(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    names = [f"{launch_name}-{number}" for number in range(4)]
    for name, status in zip(
        names, (LaunchStatus.PAUSED, LaunchStatus.ROLLED_BACK, LaunchStatus.PROMOTED), strict=False
    ):
        start(connection, redis, name)
        redis.execute_command("HSET", keys.launch(name), "status", status.value, "hold", "1")
    redis.execute_command("SADD", keys.LAUNCHES, names[3])
    redis.execute_command("HSET", keys.launch(names[3]), "spec", "{broken")
    for name in names:
        put(redis, name, of_each_kind(name, 8))
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        for name in names:
            await until(partial(has_outcomes, connection, name, 8))
    assert [len(outcomes(connection, name)) for name in names] == [8] * len(names)


async def test_comparison_can_be_off(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name, compare=False)
    put(redis, launch_name, [replayed(exchange(launch_name, 1), body={"other": 1})])
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: outcomes(connection, launch_name))
    assert report_queries.read_outcome_reasons(connection, launch_name) == [("unverified", "comparison_off", 1)]


async def test_what_strangers_write_is_buried_and_stops_nobody(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    whole = replayed(exchange(launch_name, 3))
    strange: list[dict[bytes, bytes]] = [
        {b"hello": b"world"},
        {keys.V: b"1", keys.ID: b"abcd1234:1", keys.META: b"\xff\xfe", keys.SHADOW_META: b"{"},
        {keys.V: b"9", keys.ID: b"abcd1234:2"},
        {**whole, keys.SHADOW_META: b'{"outcome": "won", "reason": "x"}'},
        replayed(exchange("another-launch", 4)),
        {**lost(exchange(launch_name, 5)), keys.SHADOW_META: b'{"outcome": "dropped", "reason": "<b>\\u0000"}'},
        {**replayed(exchange(launch_name, 6)), keys.META: b"[" * 100_000},
        {b"id": b"abcd1234:7\nx", keys.V: b"1"},
    ]
    put(redis, launch_name, [*strange, replayed(exchange(launch_name, 100))])
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    expected = dict.fromkeys((f"{PRODUCER}:{seq}" for seq in (1, 2, 3, 4, 6)), "dead")
    assert outcomes(connection, launch_name) == {
        **expected, f"{PRODUCER}:5": "dropped", f"{PRODUCER}:100": "matched"
    }  # fmt: skip
    assert report_queries.read_launch_ledger(connection, launch_name).dropped_by_reason == {"other": 1}
    counted = pair_fields(redis.execute_command("HGETALL", keys.ledger(launch_name)))
    assert (counted[b"dead"], counted[b"foreign"]) == (b"5", b"2")
    dead = redis.execute_command("XRANGE", keys.dead(launch_name), "-", "+")
    letters = [unpack_dead_letter(pair_fields(fields)) for _, fields in dead]
    assert {letter.fields.get(b"hello") for letter in letters} == {None, b"world"}
    assert_sums_equal_rows(connection, launch_name)


async def test_an_exchange_that_breaks_the_comparison_is_unverified_and_alone(
    valkey: Valkey,
    redis: RedisClient,
    connection: Connection[Any],
    own_postgres_dsn: str,
    launch_name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "darklaunch.comparator")  # pytest-xdist cannot carry the odd message

    def fail_on_poison(method: str, primary: Any, shadow: Any, *known: Any) -> Any:
        if shadow.response.body == b'"poison"':
            raise RecursionError("too deep \ud800\0")
        return compare(method, primary, shadow, *known)

    monkeypatch.setattr(assess, "compare", fail_on_poison)
    start(connection, redis, launch_name)
    put(redis, launch_name, [replayed(exchange(launch_name, 1)), replayed(exchange(launch_name, 2), body="poison")])
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: len(outcomes(connection, launch_name)) == 2)
    assert report_queries.read_outcome_reasons(connection, launch_name) == [("unverified", "comparator error", 1)]
    row = report_queries.read_result(connection, launch_name, f"{PRODUCER}:2")
    assert row is not None and row.reason is not None and "RecursionError" in row.reason


async def test_a_row_that_postgres_refuses_is_buried_with_its_payload(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    connection.execute("ALTER TABLE darklaunch.result ADD CHECK (endpoint <> 'GET /poison')")
    start(connection, redis, launch_name)
    poison = exchange(launch_name, 50, endpoint="GET /poison")
    put(redis, launch_name, [*of_each_kind(launch_name, 20), replayed(poison), *of_each_kind(launch_name, 20, 21)])
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: len(outcomes(connection, launch_name)) == 41)
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    assert outcomes(connection, launch_name)[poison.id] == "dead"
    ((_, fields),) = redis.execute_command("XRANGE", keys.dead(launch_name), "-", "+")
    letter = unpack_dead_letter(pair_fields(fields))
    assert letter.fields[keys.RESPONSE] == poison.primary.body and "violates check" in letter.reason
    assert_sums_equal_rows(connection, launch_name)


async def test_a_crash_between_commit_and_acknowledgement_doubles_nothing(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    put(redis, launch_name, of_each_kind(launch_name, 30))
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    put(redis, launch_name, of_each_kind(launch_name, 40))
    redis.execute_command(
        "XREADGROUP", "GROUP", keys.COMPARATOR_GROUP, "crashed", "COUNT", 25, "STREAMS", keys.replays(launch_name), ">"
    )
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    assert len(outcomes(connection, launch_name)) == 40
    assert_sums_equal_rows(connection, launch_name)


async def test_two_comparators_share_the_work_and_one_leads(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    settings = settings_for(valkey.url, own_postgres_dsn, batch_entries=20)
    async with comparing(settings), comparing(settings):
        for first in range(1, 600, 50):
            put(redis, launch_name, of_each_kind(launch_name, 50, first))
            await asyncio.sleep(0.02)
        await until(lambda: len(outcomes(connection, launch_name)) == 600)
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
        await until(lambda: len(alive(redis)) == 2)
        await until(lambda: len(leaders(connection)) == 1)
    assert alive(redis) == [], "they signed off"
    assert_sums_equal_rows(connection, launch_name)


def alive(redis: RedisClient) -> list[str]:
    seconds, _ = redis.execute_command("TIME")
    stored = pair_fields(redis.execute_command("HGETALL", keys.COMPARATORS))
    return [process.id for process in read_alive(stored, int(seconds) * 1000)]


async def test_while_postgres_is_away_entries_stay_where_they_are_and_drain_when_it_is_back(
    valkey: Valkey, redis: RedisClient, own_postgres_dsn: str, launch_name: str
) -> None:
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection:
        start(connection, redis, launch_name)
    settings = settings_for(valkey.url, own_postgres_dsn, batch_entries=10, lease_s=1.0)
    with shut_out(own_postgres_dsn) as let_in:
        put(redis, launch_name, of_each_kind(launch_name, 100))
        async with comparing(settings), comparing(settings):
            await until(lambda: len(pending(redis, launch_name)) == 40)
            await asyncio.sleep(2)
            held = pending(redis, launch_name)
            assert len(held) == 40 and {times for _, times in held} == {1}, "two batches each, leases extended"
            assert length(redis, keys.replays(launch_name)) == 100
            let_in()
            await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection:
        assert len(outcomes(connection, launch_name)) == 100
        assert_sums_equal_rows(connection, launch_name)


async def test_stopping_without_postgres_gives_back_what_is_held(
    valkey: Valkey, redis: RedisClient, own_postgres_dsn: str, launch_name: str
) -> None:
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection:
        start(connection, redis, launch_name)
    settings = settings_for(valkey.url, own_postgres_dsn, lease_s=3600)
    with shut_out(own_postgres_dsn):
        put(redis, launch_name, of_each_kind(launch_name, 10))
        async with comparing(settings):
            await until(lambda: pending(redis, launch_name))
        assert {times for _, times in pending(redis, launch_name)} == {0}, "this delivery does not count"
    async with comparing(settings):
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)


async def test_a_batch_that_fails_for_a_reason_nobody_expects_is_taken_again(
    valkey: Valkey,
    redis: RedisClient,
    connection: Connection[Any],
    own_postgres_dsn: str,
    launch_name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, calls = WriterPool.record, iter(range(100))

    async def record(self: WriterPool, launch: str, findings: Any) -> Any:
        if next(calls) == 0:
            raise ZeroDivisionError("nobody expects this")
        return await real(self, launch, findings)

    monkeypatch.setattr(WriterPool, "record", record)
    start(connection, redis, launch_name)
    put(redis, launch_name, of_each_kind(launch_name, 10))
    async with comparing(settings_for(valkey.url, own_postgres_dsn, lease_s=0.3)):
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    assert len(outcomes(connection, launch_name)) == 10


class shut_out:
    """Refuse connections to a database and end those there are, until let in or the block ends."""

    def __init__(self, dsn: str) -> None:
        self._name = str(conninfo_to_dict(dsn)["dbname"])
        self._admin = psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True)

    def __enter__(self) -> Any:
        self._allow(False)
        self._admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._name])
        return lambda: self._allow(True)

    def __exit__(self, *_: object) -> None:
        self._allow(True)
        self._admin.close()

    def _allow(self, allowed: bool) -> None:
        statement = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        self._admin.execute(statement.format(sql.Identifier(self._name), allowed))


async def test_after_flushall_everything_goes_on(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    record = start(connection, redis, launch_name)
    async with comparing(settings_for(valkey.url, own_postgres_dsn)):
        put(redis, launch_name, of_each_kind(launch_name, 10))
        await until(lambda: len(outcomes(connection, launch_name)) == 10)
        redis.execute_command("FLUSHALL")
        put(redis, launch_name, of_each_kind(launch_name, 10, first=11))
        await until(lambda: len(outcomes(connection, launch_name)) == 20)
        revision = str(record.state.revision).encode()
        await until(lambda: redis.execute_command("HGET", keys.launch(launch_name), "revision") == revision)
        assert redis.execute_command("SMEMBERS", keys.LAUNCHES) == {launch_name.encode()}
    assert_sums_equal_rows(connection, launch_name)

"""Partitions of results: a home for every row, few tables, and old days dropped whole."""

from datetime import timedelta
from typing import Any

from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.partitions import ResultPartitions, today_utc
from darklaunch_comparator.store.write_batch import write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from psycopg import Connection

from tests.support.exchanges import DAY_MS, NOW_MS, assert_sums_equal_rows, exchange, finding, lost, replayed


def days(connection: Connection[Any]) -> list[int]:
    """Return the days with a partition, relative to today."""
    return [(day - today_utc()).days for (day,) in connection.execute("SELECT darklaunch.partition_days()")]


def in_default(connection: Connection[Any]) -> int:
    (count,) = connection.execute("SELECT count(*) FROM darklaunch.result_default").fetchone()  # type: ignore[misc]
    return int(count)


def record(connection: Connection[Any], launch: str, seq: int, age_days: int) -> None:
    captured = exchange(launch, seq, at_ms=NOW_MS - age_days * DAY_MS)
    write_batch(connection, launch, [finding(replayed(captured), launch)], WriterCache())


def test_days_are_made_ahead_and_old_ones_dropped(connection: Connection[Any]) -> None:
    partitions = ResultPartitions(connection, retention_days=3)
    assert partitions.maintain(today_utc()) == []
    assert days(connection) == [-1, 0, 1, 2]
    assert partitions.maintain(today_utc() + timedelta(days=3)) == [today_utc() - timedelta(days=1)]
    assert days(connection) == [0, 1, 2, 3, 4, 5]


def test_only_days_that_may_come_get_a_partition(connection: Connection[Any]) -> None:
    wanted = [today_utc() + timedelta(days=offset) for offset in (-40000, -4, -3, 0, 2, 3, 300000)]
    ResultPartitions(connection, retention_days=3).ensure(wanted, today_utc())
    assert days(connection) == [-3, 0, 2]


def test_a_row_of_a_day_without_partition_moves_in_when_the_day_gets_one(
    connection: Connection[Any], launch_name: str
) -> None:
    record(connection, launch_name, 1, age_days=-5)
    assert in_default(connection) == 1
    assert ResultPartitions(connection, retention_days=10).maintain(today_utc() + timedelta(days=4)) == []
    assert in_default(connection) == 0 and 5 in days(connection)
    record(connection, launch_name, 1, age_days=-5)
    assert_sums_equal_rows(connection, launch_name)


def test_whoever_reads_delays_making_and_dropping_but_fails_neither(
    connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    partitions = ResultPartitions(connection, retention_days=3)
    partitions.ensure([today_utc()], today_utc())
    with connect_store(own_postgres_dsn, name="darklaunch-test") as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM darklaunch.result")
        partitions.ensure([today_utc() - timedelta(days=1)], today_utc())
        assert days(connection) == [0]
        record(connection, launch_name, 1, age_days=1)
    assert partitions.maintain(today_utc()) == []
    assert (days(connection), in_default(connection)) == ([-1, 0, 1, 2], 0)
    with connect_store(own_postgres_dsn, name="darklaunch-test") as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM darklaunch.result")
        assert partitions.maintain(today_utc() + timedelta(days=3)) == []
    assert partitions.maintain(today_utc() + timedelta(days=3)) == [today_utc() - timedelta(days=1)]


def test_what_has_no_partition_is_deleted_when_it_is_old(connection: Connection[Any], launch_name: str) -> None:
    record(connection, launch_name, 1, age_days=9000)
    dead = finding(lost(exchange(launch_name, 2, at_ms=NOW_MS - DAY_MS), "dead", "dead"), launch_name)
    partitions = ResultPartitions(connection, retention_days=3)
    partitions.maintain(today_utc())
    write_batch(connection, launch_name, [dead], WriterCache())
    partitions.maintain(today_utc() + timedelta(days=3))
    left = "SELECT (SELECT count(*) FROM darklaunch.bucket), (SELECT count(*) FROM darklaunch.provisional)"
    assert in_default(connection) == 1 and connection.execute(left).fetchone() == (2, 0)
    partitions.maintain(today_utc() + timedelta(days=5))
    assert in_default(connection) == 0 and connection.execute(left).fetchone() == (0, 0)

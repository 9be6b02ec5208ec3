"""Migrations: applied once, in order, by one at a time, and noticed when they do not fit."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.errors import DatabaseTooNew, MigrationChanged, NotMigrated
from darklaunch_comparator.store.migrate import Migration, check_migrated, migrate, read_migrations
from psycopg import Connection

from tests.support.databases import fresh_database


@pytest.fixture
def empty_dsn(servers: Any) -> Any:
    with fresh_database(servers.postgres_url) as (_, dsn):
        yield dsn


def step(version: int, statement: str) -> Migration:
    return Migration(version, f"step_{version}", statement.encode(), f"checksum of {statement}")


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'darklaunch'")
        return {name for (name,) in found}


def test_an_empty_database_gets_the_schema_and_keeps_it(empty_dsn: str) -> None:
    applied = migrate(empty_dsn)
    assert applied == [f"{step.version:04}_{step.name}" for step in read_migrations()]
    assert {"launch", "event", "result", "bucket", "signature", "sample", "producer"} <= tables(empty_dsn)
    assert migrate(empty_dsn) == []


def test_many_migrating_at_once_apply_each_step_once(empty_dsn: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        applied = list(pool.map(lambda _: migrate(empty_dsn), range(6)))
    assert sorted(len(each) for each in applied) == [0, 0, 0, 0, 0, len(read_migrations())]


def test_later_steps_are_added_to_what_is_there(empty_dsn: str) -> None:
    one, two = step(1, "CREATE TABLE darklaunch.one ()"), step(2, "CREATE TABLE darklaunch.two ()")
    assert migrate(empty_dsn, steps=[one]) == ["0001_step_1"]
    assert migrate(empty_dsn, steps=[one, two]) == ["0002_step_2"]


def test_a_step_that_fails_leaves_nothing_and_can_be_tried_again(empty_dsn: str) -> None:
    one = step(1, "CREATE TABLE darklaunch.one ()")
    broken = step(2, "CREATE TABLE darklaunch.half (); SELECT 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(empty_dsn, steps=[one, broken])
    assert tables(empty_dsn) == {"migration", "one"}
    assert migrate(empty_dsn, steps=[one, step(2, "CREATE TABLE darklaunch.half ()")]) == ["0002_step_2"]


def test_an_edited_step_is_noticed(empty_dsn: str) -> None:
    one = step(1, "CREATE TABLE darklaunch.one ()")
    migrate(empty_dsn, steps=[one])
    with pytest.raises(MigrationChanged, match="0001_step_1 was applied to this database with other contents"):
        migrate(empty_dsn, steps=[replace(one, checksum="other")])


def test_a_database_of_a_newer_release_is_noticed(empty_dsn: str) -> None:
    one, two = step(1, "CREATE TABLE darklaunch.one ()"), step(2, "CREATE TABLE darklaunch.two ()")
    migrate(empty_dsn, steps=[one, two])
    with pytest.raises(DatabaseTooNew, match="0002_step_2"):
        migrate(empty_dsn, steps=[one])


def test_whoever_needs_the_schema_is_told_to_migrate(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        assert_tells_to_migrate(connection, f"lacks {len(read_migrations())} migration")
        migrate(empty_dsn)
        check_migrated(connection)
        connection.execute(
            "DELETE FROM darklaunch.migration WHERE version = (SELECT max(version) FROM darklaunch.migration)"
        )
        assert_tells_to_migrate(connection, "lacks 1 migration")


def assert_tells_to_migrate(connection: Connection[Any], what: str) -> None:
    with pytest.raises(NotMigrated, match=what) as raised:
        check_migrated(connection)
    assert str(raised.value).endswith("Run: darklaunch migrate")

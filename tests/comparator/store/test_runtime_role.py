"""A role for comparators and commands: it does all that they do, and cannot change a table."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from darklaunch_comparator.errors import UnfitRole
from darklaunch_comparator.store.partitions import ResultPartitions, today_utc
from darklaunch_comparator.store.runtime_role import grant_runtime_role
from psycopg import errors, sql


@pytest.fixture
def role(own_postgres_dsn: str) -> Iterator[str]:
    name = f'r"{secrets.token_hex(4)}'  # a name that must be quoted
    with psycopg.connect(own_postgres_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw'").format(sql.Identifier(name)))
        assert grant_runtime_role(own_postgres_dsn, name)
        yield name
        admin.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def runtime(own_postgres_dsn: str, role: str) -> Iterator[psycopg.Connection[Any]]:
    parts = urlsplit(own_postgres_dsn)
    with psycopg.connect(
        host=parts.hostname, port=parts.port, dbname=parts.path[1:], user=role, password="pw", autocommit=True
    ) as connection:
        yield connection


def test_the_role_may_work_and_change_nothing(runtime: psycopg.Connection[Any]) -> None:
    runtime.execute("SELECT count(*) FROM darklaunch.result")
    for statement in (
        b"CREATE TABLE darklaunch.mine (a int)",
        b"ALTER TABLE darklaunch.result ADD COLUMN a int",
        b"DROP TABLE darklaunch.result",
        b"DROP TABLE darklaunch.result_default",
        b"TRUNCATE darklaunch.result",
        b"CREATE FUNCTION darklaunch.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        b"DELETE FROM darklaunch.migration",
        b"UPDATE darklaunch.salt SET salt = ''",
        b"UPDATE darklaunch.event SET actor = 'me'",
        b"DELETE FROM darklaunch.event",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            runtime.execute(statement)


def test_the_role_makes_and_drops_partitions(runtime: psycopg.Connection[Any]) -> None:
    day = today_utc() + timedelta(days=1)
    ResultPartitions(runtime, 14).ensure({day, day - timedelta(days=20)}, today_utc())
    assert day in {each for (each,) in runtime.execute("SELECT darklaunch.partition_days()")}
    runtime.execute("SELECT darklaunch.ensure_partition(%s)", [today_utc() - timedelta(days=40)])
    assert ResultPartitions(runtime, 14).maintain(today_utc()) == [today_utc() - timedelta(days=40)]


def test_partitions_are_made_for_days_near_today_and_in_the_right_schema(runtime: psycopg.Connection[Any]) -> None:
    for invalid_day in ("infinity", "0001-01-01", "9999-12-31"):
        with pytest.raises(errors.InvalidParameterValue):
            runtime.execute("SELECT darklaunch.ensure_partition(%s)", [invalid_day])
        assert runtime.execute("SELECT darklaunch.drop_partition(%s)", [invalid_day]).fetchone() == (False,)
    # what a session puts in front of the path is not what the functions use
    runtime.execute("CREATE FUNCTION pg_temp.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$")
    runtime.execute("SET search_path = pg_temp, darklaunch, pg_catalog")
    day = today_utc() - timedelta(days=3)
    runtime.execute("SELECT darklaunch.ensure_partition(%s)", [day])
    owner = "SELECT tableowner FROM pg_tables WHERE schemaname = 'darklaunch' AND tablename = %s"
    made = runtime.execute(owner, [f"result_{day:%Y%m%d}"]).fetchone()
    assert made is not None
    assert made == runtime.execute(owner, ["result_default"]).fetchone()


def test_functions_that_run_as_their_owner_have_a_fixed_path(runtime: psycopg.Connection[Any]) -> None:
    definers = runtime.execute(
        "SELECT p.proname, p.proconfig FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = 'darklaunch' AND p.prosecdef ORDER BY 1"
    ).fetchall()
    fixed = ["search_path=pg_catalog, pg_temp"]
    assert definers == [("drop_partition", fixed), ("ensure_partition", fixed)]


def test_the_roles_time_is_bounded(runtime: psycopg.Connection[Any]) -> None:
    for setting, value in (
        ("statement_timeout", "30s"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "1min"),
    ):
        assert runtime.execute(f"SHOW {setting}".encode()).fetchone() == (value,)


def test_a_role_that_is_not_there_or_owns_the_tables_is_refused(own_postgres_dsn: str) -> None:
    with pytest.raises(UnfitRole, match="there is no role 'nobody'"):
        grant_runtime_role(own_postgres_dsn, "nobody")
    with psycopg.connect(own_postgres_dsn) as connection:
        owner = connection.info.user
    with pytest.raises(UnfitRole, match="could change the tables all the same"):
        grant_runtime_role(own_postgres_dsn, owner)

"""Whether a server gives sessions of one's own: the real PgBouncer in both of its modes."""

import psycopg
import pytest
from darklaunch_comparator.errors import SharedSessions
from darklaunch_comparator.store.connect import connect_session
from darklaunch_comparator.store.server import check_sessions

from tests.support.cli import Cli
from tests.support.pgbouncer import running_pgbouncer


def test_postgres_itself_and_a_pooler_in_session_mode_are_fine(postgres_dsn: str) -> None:
    check_sessions(postgres_dsn)
    with running_pgbouncer(postgres_dsn, pool_mode="session") as dsn:
        check_sessions(dsn)


def test_a_pooler_in_transaction_mode_is_refused_by_migrate_doctor_and_comparators(
    postgres_dsn: str, redis_url: str, tmp_path: object
) -> None:
    with running_pgbouncer(postgres_dsn, pool_mode="transaction") as dsn:
        with pytest.raises(SharedSessions, match="transaction mode"):
            check_sessions(dsn)
        cli = Cli(redis_url, dsn, str(tmp_path))
        for command in ("migrate", "comparator"):
            assert "Set pool_mode = session for darklaunch" in cli.error(command, code=3)
        assert "The pooler before Postgres gives one session to several" in cli.run("doctor").stdout


def test_a_full_pool_of_sessions_is_said_instead_of_waited_for(
    postgres_dsn: str, redis_url: str, tmp_path: object
) -> None:
    with (
        running_pgbouncer(postgres_dsn, pool_mode="session", pool_size=1) as dsn,
        connect_session(dsn, name="darklaunch-test") as only,
    ):
        assert only.execute("SELECT 1").fetchone() == (1,)
        line = Cli(redis_url, dsn, str(tmp_path)).error("list", code=3)
        assert "accepted a connection and gave it no session in time" in line or "did not answer in time" in line
    with pytest.raises(psycopg.OperationalError):
        only.execute("SELECT 1")

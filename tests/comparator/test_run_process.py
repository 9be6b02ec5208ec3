"""Comparators as processes: stopped politely, killed without warning, and followed by another leader."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_console.embedded import Valkey
from darklaunch_shared import keys
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from tests.support.comparators import has_outcomes, leaders, length, outcomes, pending, put, settings_for, start, until
from tests.support.exchanges import assert_sums_equal_rows, exchange, replayed, unanswered

pytestmark = pytest.mark.anyio

PROGRAM = """
import logging, sys
from darklaunch_comparator.run import run_comparator
from darklaunch_comparator.settings import ComparatorSettings
logging.basicConfig(level=logging.WARNING)
sys.exit(run_comparator(ComparatorSettings.model_validate_json(sys.argv[1])))
"""


@contextmanager
def process(valkey: Valkey, dsn: str, **changed: Any) -> Iterator[subprocess.Popen[bytes]]:
    settings = settings_for(valkey.url, dsn, **changed)
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, settings.model_dump_json()])
    try:
        yield running
    finally:
        running.kill()
        running.wait(60)


def entries(launch: str, count: int) -> list[dict[bytes, bytes]]:
    captured = [exchange(launch, seq, endpoint=f"GET /e{seq % 5}") for seq in range(1, count + 1)]
    kinds = (replayed, lambda each: replayed(each, body={"total": 3}), unanswered)
    return [kinds[at % 3](each) for at, each in enumerate(captured)]


async def test_sigterm_ends_it_in_good_order(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name)
    put(redis, launch_name, entries(launch_name, 300))
    with process(valkey, own_postgres_dsn, batch_entries=10, lease_s=3600) as running:
        await until(lambda: len(outcomes(connection, launch_name)) >= 30)
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    done = len(outcomes(connection, launch_name))
    assert done + length(redis, keys.replays(launch_name)) == 300 and pending(redis, launch_name) == []
    assert_sums_equal_rows(connection, launch_name)


async def test_killed_at_any_moment_each_exchange_still_has_one_row(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    start(connection, redis, launch_name)

    put(redis, launch_name, entries(launch_name, 2000))
    with ExitStack() as stack:
        doomed = [stack.enter_context(process(valkey, own_postgres_dsn, batch_entries=40, lease_s=1)) for _ in range(3)]
        for running, killed_after in zip(doomed, (1, 300, 600), strict=True):
            await until(partial(has_outcomes, connection, launch_name, killed_after))
            running.kill()
    assert len(outcomes(connection, launch_name)) < 2000, "killed in the middle"
    with process(valkey, own_postgres_dsn, lease_s=1):
        await until(lambda: length(redis, keys.replays(launch_name)) == 0)
    assert len(outcomes(connection, launch_name)) == 2000
    assert_sums_equal_rows(connection, launch_name)
    ledger = report_queries.read_launch_ledger(connection, launch_name)
    assert (ledger.sampled, ledger.settled) == (2000, 2000)


async def test_when_the_leader_is_killed_another_takes_over(
    valkey: Valkey, redis: RedisClient, connection: Connection[Any], own_postgres_dsn: str, launch_name: str
) -> None:
    def leads() -> int | None:
        found = leaders(connection)
        assert len(found) <= 1
        return found[0] if found else None

    start(connection, redis, launch_name)
    with process(valkey, own_postgres_dsn) as first:
        await until(leads)
        with process(valkey, own_postgres_dsn):
            before = leads()
            first.kill()
            await until(lambda: leads() not in (None, before))
            changed = update_launch(connection, launch_name, LaunchAct("ann", "ramped"), percent=77)
            await until(lambda: redis.execute_command("HGET", keys.launch(launch_name), "percent") == b"77.0")
            cut_off = leads()
            connection.execute("SELECT pg_terminate_backend(%s)", [cut_off])
            await until(lambda: leads() not in (None, cut_off))
            redis.execute_command("DEL", keys.launch(launch_name))
            revision = str(changed.state.revision).encode()
            await until(lambda: redis.execute_command("HGET", keys.launch(launch_name), "revision") == revision)

"""What most tests of the commands begin with: the command line, told where the servers are, and a launch."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.write_batch import prepare_connection
from darklaunch_console.cli.program import program

from tests.support.cli import Cli, closed_port, redis_client
from tests.support.exchanges import exchange, lost, replayed
from tests.support.judge_harness import JudgeHarness
from tests.support.recorded import record

ORDERS = "GET /orders/{id}"


@pytest.fixture
def cli(redis_url, postgres_dsn, tmp_path):
    return Cli(redis_url, postgres_dsn, str(tmp_path))


@pytest.fixture
def redis(redis_url):
    with redis_client(redis_url) as client:
        yield client


@pytest.fixture
def nowhere():
    return f"http://127.0.0.1:{closed_port()}"


@pytest.fixture
def launched(cli, launch_name, nowhere):
    """A launch that is active at 10 %."""
    cli.ok("start", launch_name, "--shadow", nowhere)
    return launch_name


@pytest.fixture
def run(postgres_dsn: str) -> Any:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(program, ["--database", postgres_dsn, *arguments])

    return run


@pytest.fixture
def shop(postgres_dsn: str, launch_name: str) -> str:
    """Record 40 exchanges: 30 alike, 4 that lost a field, 3 failures, 2 slow answers and one that was too old."""
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 31)]
    orders = [exchange(launch_name, seq, body={"id": seq, "total_cents": 950}) for seq in range(31, 35)]
    entries += [replayed(order, body={"id": 31 + nth, "total": 950}) for nth, order in enumerate(orders)]
    quotes = [exchange(launch_name, seq, endpoint="GET /quote") for seq in range(35, 38)]
    entries += [replayed(quote, body={"error": "x"}, status=500) for quote in quotes]
    searches = [exchange(launch_name, seq, endpoint="GET /search") for seq in (38, 39)]
    entries += [replayed(search, latency_ms=3000.0) for search in searches]
    entries.append(lost(exchange(launch_name, 40)))
    record(postgres_dsn, launch_name, entries)
    return launch_name


@pytest.fixture
def mismatched(postgres_dsn: str, launch_name: str) -> str:
    """Record 8 exchanges that lost a field, 2 whose total is a cent off, and 3 that match."""
    entries = [replayed(exchange(launch_name, seq)) for seq in range(1, 4)]
    entries += [
        replayed(exchange(launch_name, seq, body={"id": seq, "total_cents": 950}), body={"id": seq})
        for seq in range(4, 12)
    ]
    entries += [
        replayed(exchange(launch_name, seq, endpoint="GET /cart", body={"sum": 1.5}), body={"sum": 1.51})
        for seq in (12, 13)
    ]
    record(postgres_dsn, launch_name, entries)
    return launch_name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rules.toml"
    path.write_text(
        f'[[ignore]]\npath = "$.total_cents"\nreason = "gone"\nendpoints = ["{ORDERS}"]\n'
        '[[tolerance]]\npath = "$.sum"\nabsolute = 0.01\nreason = "rounded"\nauthor = "bo"\n'
    )
    return path


@pytest.fixture
def harness(
    request: pytest.FixtureRequest, redis_url: str, postgres_dsn: str, launch_name: str
) -> Generator[JudgeHarness]:
    """A launch that is really judged, by the POLICY of the test's module."""
    with redis_client(redis_url) as redis, connect_store(postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield JudgeHarness(connection, redis, launch_name, request.module.POLICY)

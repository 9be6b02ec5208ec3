"""The stage as a fixture, and the table of what all faults came to, printed at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from .redis_servers import LINES, RedisServer
from .report import table
from .stage import Stage

_reported: list[dict[str, Any]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _reported.extend(line for name, line in report.user_properties if name == "fault")  # type: ignore[misc]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in table(_reported):
        terminalreporter.write_line(line)


@pytest.fixture
def redis_server(tmp_path: Path) -> Generator[RedisServer]:
    """Run a Valkey for one test, with debugging commands allowed."""
    program = LINES[0].find()
    assert program is not None
    server = RedisServer(program, tmp_path, "enable-debug-command local")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def stage(
    redis_server: RedisServer,
    own_postgres_dsn: str,
    tmp_path: Path,
    launch_name: str,
    record_property: Callable[[str, object], None],
) -> Generator[Stage]:
    stage = Stage(redis_server, own_postgres_dsn, tmp_path, launch_name, record_property)
    yield stage
    stage.close()

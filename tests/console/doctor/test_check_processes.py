"""Processes as the doctor judges them: who is missing, who leads, whose clock is wrong."""

from __future__ import annotations

from typing import Any

from darklaunch_console.doctor.check_processes import check_processes
from darklaunch_console.doctor.check_result import CheckLevel
from darklaunch_shared.redis.presence import ProcessRecord


def process(name: str, **about: Any) -> ProcessRecord:
    return ProcessRecord(name, 100_000, about)


def test_a_missing_worker_fails_only_while_a_launch_is_active() -> None:
    for active, level in ((True, CheckLevel.FAIL), (False, CheckLevel.WARN)):
        results = check_processes([process("h")], [], [process("c", leader=True)], active=active)
        assert [(r.what, r.level) for r in results if "worker" in r.what] == [
            ("No worker is running: nothing is replayed", level)
        ]


def test_comparators_without_a_leader_are_a_warning() -> None:
    results = check_processes([process("h")], [process("w")], [process("c")], active=True)
    assert any(r.what.startswith("No comparator is the leader") and r.level is CheckLevel.WARN for r in results)


def test_of_a_host_the_heartbeat_furthest_ahead_counts() -> None:
    delayed = process("h1", host="web", clock_ms=70_000)
    prompt = process("h2", host="web", clock_ms=100_000)
    results = check_processes([delayed, prompt], [process("w")], [process("c", leader=True)], active=True)
    assert any(r.what == "The clocks of 1 host agree with that of Redis" for r in results)

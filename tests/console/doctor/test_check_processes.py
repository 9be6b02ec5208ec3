"""Processes as the doctor judges them: who is missing, who leads, whose clock is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from darklaunch_console.doctor.check_processes import check_processes, check_waiting_workers
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


def live(identity, **about):
    return ProcessRecord(identity, 0, about)


@pytest.mark.parametrize(
    ("clocks", "level", "said"),
    [
        ({"a": 10_000, "b": 11_999}, "ok", "The clocks of 2 hosts agree with that of Redis"),
        ({"a": 10_000, "b": 4_000}, "warn", "b's clock is 6 s behind that of Redis"),
        ({"a": 100_000}, "fail", "a's clock is 1 min 30 s ahead of that of Redis"),
    ],
)
def test_the_clocks_of_hosts_are_judged_by_that_of_redis(clocks, level, said):
    hooks = [ProcessRecord(host, 10_000, {"host": host, "clock_ms": at_ms}) for host, at_ms in clocks.items()]
    found = check_processes(hooks, [live("w")], [live("c", leader=True)], active=True)
    assert [(finding.level, finding.what) for finding in found if "clock" in finding.what] == [(level, said)]


def test_a_sign_of_life_that_was_long_under_way_accuses_no_clock():
    """Redis was frozen for 5 s while a worker's was on its way; the hook's came after."""
    hooks = [ProcessRecord(str(at_ms), 10_000, {"host": "a", "clock_ms": at_ms}) for at_ms in (5_000, 9_990)]
    found = check_processes(hooks, [live("w")], [live("c", leader=True)], active=True)
    assert [finding.what for finding in found if "clock" in finding.what] == [
        "The clocks of 1 host agree with that of Redis"
    ]


def test_processes_of_several_releases_and_no_leader_are_warned_of():
    found = check_processes([live("h", version="1")], [live("w", version="2")], [live("c")], active=True)
    said = "\n".join(finding.what for finding in found if finding.level is CheckLevel.WARN)
    assert "No comparator is the leader" in said
    assert "several releases run: 1, 2" in said


def test_a_launch_that_workers_cannot_replay_is_named_with_what_they_say() -> None:
    says = {"launches": {"shop-v2": {"trouble": "--ca /ca.pem cannot be read: No such file"}, "other": {"trouble": ""}}}
    workers = [ProcessRecord(str(at), 0, {"host": host, **says}) for at, host in enumerate(("b", "a", "a"))]
    (result,) = check_waiting_workers([*workers, ProcessRecord("old", 0, {"launches": {"shop-v2": {}}})])
    assert result.level is CheckLevel.FAIL
    assert result.what == "shop-v2 is not replayed by the workers on a, b"
    assert "--ca /ca.pem cannot be read: No such file" in result.do

"""Launches as doctor sees them: record against copy, and what waits."""

from datetime import UTC, datetime

import pytest
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_console.doctor.check_launches import check_agreement, check_backlogs
from darklaunch_console.doctor.check_result import CheckLevel
from darklaunch_console.stores.streams import ShardState, StreamsState, StreamState
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus


def state(name="a", revision=5, **changed):
    given = {"status": LaunchStatus.ACTIVE, "percent": 10.0, "hold": False, "spec": LaunchSpec("http://h"), **changed}
    return LaunchState(name, given["status"], given["percent"], given["hold"], revision, given["spec"])


@pytest.mark.parametrize(
    ("copies", "level", "said"),
    [
        ({"a": state()}, None, ""),
        ({}, CheckLevel.FAIL, "missing or damaged on Redis"),
        ({"a": state(revision=4)}, CheckLevel.WARN, "a is at revision 5, Redis has 4"),
        ({"a": state(hold=True)}, CheckLevel.WARN, "a is held on Redis, which is not recorded yet"),
        ({"a": state(), "b": state("b")}, CheckLevel.WARN, "b is on Redis, but not recorded in this Postgres"),
    ],
)
def test_record_and_copy_are_compared(copies, level, said):
    found = check_agreement([LaunchRecord(state(), 0, datetime.now(UTC), datetime.now(UTC))], copies)
    assert [finding.level for finding in found] == ([level] if level else [])
    assert said in "".join(finding.what for finding in found)


def test_a_pipeline_that_falls_behind_is_told_and_so_are_dead_letters():
    late = StreamState(40, 2, 200.0, (1, 0), (2, 0))
    sight = StreamsState((ShardState(late, StreamState(0, 0, 0.0, None, (0, 0)), 3, {"lost_pel": 2}, []),), frozenset())
    said = "\n".join(finding.what for finding in check_backlogs({"a": (state(), sight)}))
    assert "a is 3 min 20 s behind with 40 exchanges" in said
    assert "a has 3 dead letters" in said
    assert "a: 2 exchanges were deleted from their stream before they were done" in said

"""Which launches sample, as request threads see them."""

from __future__ import annotations

import pytest
from darklaunch.capture.launch_snapshot import build_snapshot
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus


def state(name="one", percent=100.0, status=LaunchStatus.ACTIVE, hold=False, **spec):
    return LaunchState(name, status, percent, hold, 1, LaunchSpec("http://shadow.invalid", **spec))


@pytest.mark.parametrize(
    "stopped",
    [
        state(status=LaunchStatus.PAUSED),
        state(status=LaunchStatus.PROMOTED),
        state(status=LaunchStatus.ROLLED_BACK),
        state(hold=True),
        state(percent=0),
        state(sticky="nonsense"),
        state(only=("no-slash",)),
    ],
)
def test_only_an_active_launch_that_can_be_read_samples(stopped) -> None:
    snapshot, broken = build_snapshot({"one": stopped})
    assert (snapshot.ceiling, snapshot.sampling_launches) == (0.0, ())
    assert set(broken) == ({"one"} if stopped.fraction else set())
    assert snapshot.states == {"one": stopped}


def test_a_launch_that_cannot_be_read_stops_no_other() -> None:
    snapshot, broken = build_snapshot({"bad": state("bad", sticky="?"), "good": state("good", 25)})
    assert [mirror.name for mirror in snapshot.sampling_launches] == ["good"]
    assert (snapshot.ceiling, set(broken)) == (0.25, {"bad"})

"""Which launches record a request, and what deciding leaves alone."""

from __future__ import annotations

from collections import Counter

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.capture.launch_snapshot import build_snapshot
from darklaunch.capture.sampling import compute_position
from darklaunch.testing import captured
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.asgi import answering, body, get, start

APP = answering(start(), body(b"ok"))


def state(name="one", percent=100.0, status=LaunchStatus.ACTIVE, hold=False, **spec):
    return LaunchState(name, status, percent, hold, 1, LaunchSpec("http://shadow.invalid", **spec))


def drawn_by(app, u, states, headers=()):
    """Name the launches that sample a request whose random number is `u`."""
    recorder, caught = app._recorder, Counter[str]()
    with captured():
        recorder.snapshot = build_snapshot({launch.name: launch for launch in states})[0]
        recorder.draw = iter([u]).__next__  # one number for one request
        get(app, headers=headers)
        for recording in recorder.buffer.take_recordings(10):
            caught.update(recording.launches)
        skipped = [(*launches, reason) for launches, _, reason in recorder.buffer.take_notes()]
    return set(caught), skipped


@pytest.fixture
def app(request):
    return CaptureMiddleware(APP, app_name=request.node.name)


@given(u=st.floats(0, 1, exclude_max=True), shares=st.lists(st.floats(0, 100), min_size=1, max_size=4))
@example(u=0.1, shares=[10.0])
def test_random_launches_share_one_number_so_that_their_samples_nest(u, shares) -> None:
    app = CaptureMiddleware(APP, app_name="nesting")
    states = [state(f"l{at}", percent) for at, percent in enumerate(shares)]
    sampled, _ = drawn_by(app, u, states)
    assert sampled == {launch.name for launch in states if u < launch.percent / 100}


def test_one_recording_serves_several_launches(app) -> None:
    sampled, skipped = drawn_by(app, 0.4, [state("a"), state("b", 50), state("c", 30), state("d", only=("/x",))])
    assert sampled == {"a", "b"}
    assert skipped == [("d", "path")]


@pytest.mark.parametrize(
    ("sticky", "headers"),
    [
        ("header:X-User", [(b"x-user", b"7")]),
        ("cookie:session", [(b"cookie", b"a=1; session=7"), (b"cookie", b"b=2")]),
        ("client", []),
    ],
)
def test_a_sticky_launch_decides_by_key_whatever_the_random_number_says(app, sticky, headers) -> None:
    key = "192.0.2.7" if sticky == "client" else "7"
    share = compute_position("one", key) * 100
    for percent, expected in ((min(100, share + 0.01), {"one"}), (max(0.001, share - 0.01), set())):
        for u in (0.0, 0.999):
            assert drawn_by(app, u, [state(percent=percent, sticky=sticky)], headers) == (expected, [])


def test_a_request_without_the_key_is_skipped_in_the_same_proportion(app) -> None:
    launch = [state(percent=50, sticky="header:x-user")]
    assert drawn_by(app, 0.4, launch) == (set(), [("one", "no_sticky_key")])
    assert drawn_by(app, 0.6, launch) == (set(), [])


def test_a_very_long_path_is_not_held_against_patterns(app) -> None:
    with captured(only=("/**",)) as seen:
        get(app, "/" + "a" * 512)
        get(app, "/" + "a" * 511)
    assert seen.skipped == {"path": 1}
    assert len(seen.exchanges) == 1


def test_an_app_that_seeds_random_keeps_its_sequence(app) -> None:
    import random

    random.seed(7)
    expected = [random.random() for _ in range(3)]
    random.seed(7)
    with captured(percent=50):
        found = []
        for _ in range(3):
            get(app)
            found.append(random.random())
    assert found == expected


def test_nor_does_waiting_for_redis_disturb_that_sequence() -> None:
    import random

    from darklaunch_shared.process.backoff import Backoff

    before = random.getstate()
    waits = {Backoff(cap_s=1.0).next_s() for _ in range(3)}
    assert len(waits) == 3
    assert random.getstate() == before

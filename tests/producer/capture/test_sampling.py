"""Who is sampled: shares, nesting, and keys that stay in."""

from __future__ import annotations

from collections import Counter

import pytest
from darklaunch import CaptureMiddleware
from darklaunch.capture.launch_snapshot import build_snapshot
from darklaunch.capture.sampling import compute_position, find_sticky_key
from darklaunch.testing import captured
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.launch.sticky import StickyKey
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.asgi import answering, body, get, start

APP = answering(start(), body(b"ok"))


def state(name="one", percent=100.0, status=LaunchStatus.ACTIVE, hold=False, **spec):
    return LaunchState(name, status, percent, hold, 1, LaunchSpec("http://shadow.invalid", **spec))


def drawn_by(app, u, states, headers=()):
    """Name the launches that sample a request whose random number is `u`."""
    recorder, caught = app._recorder, Counter()
    with captured():
        recorder.snapshot = build_snapshot({each.name: each for each in states})[0]
        recorder.draw = iter([u]).__next__  # one number for one request
        get(app, headers=headers)
        for recording in recorder.buffer.take_recordings(10):
            caught.update(recording.launches)
        skipped = [(*launches, reason) for launches, _, reason in recorder.buffer.take_notes()]
    return set(caught), skipped


@pytest.fixture
def app(request):
    return CaptureMiddleware(APP, app_name=request.node.name)


@given(key=st.text(), low=st.floats(0, 1), high=st.floats(0, 1))
def test_raising_the_share_keeps_everyone_in(key, low, high):
    low, high = sorted((low, high))
    at = compute_position("checkout", key)
    assert 0 <= at < 1
    assert not at < low or at < high


def test_a_share_of_keys_is_that_share_and_differs_between_launches():
    keys = [f"user-{number}" for number in range(20_000)]
    one = {key for key in keys if compute_position("one", key) < 0.1}
    two = {key for key in keys if compute_position("two", key) < 0.1}
    assert 1_750 < len(one) < 2_250  # 2,000 expected, standard deviation 42
    assert 120 < len(one & two) < 280  # 200 expected when the two are independent


@given(u=st.floats(0, 1, exclude_max=True), shares=st.lists(st.floats(0, 100), min_size=1, max_size=4))
@example(u=0.1, shares=[10.0])
def test_random_launches_share_one_number_so_that_their_samples_nest(u, shares):
    app = CaptureMiddleware(APP, app_name="nesting")
    states = [state(f"l{at}", percent) for at, percent in enumerate(shares)]
    sampled, _ = drawn_by(app, u, states)
    assert sampled == {each.name for each in states if u < each.percent / 100}


def test_one_recording_serves_several_launches(app):
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
def test_a_sticky_launch_decides_by_key_whatever_the_random_number_says(app, sticky, headers):
    key = "192.0.2.7" if sticky == "client" else "7"
    share = compute_position("one", key) * 100
    for percent, expected in ((min(100, share + 0.01), {"one"}), (max(0.001, share - 0.01), set())):
        for u in (0.0, 0.999):
            assert drawn_by(app, u, [state(percent=percent, sticky=sticky)], headers) == (expected, [])


def test_a_request_without_the_key_is_skipped_in_the_same_proportion(app):
    launch = [state(percent=50, sticky="header:x-user")]
    assert drawn_by(app, 0.4, launch) == (set(), [("one", "no_sticky_key")])
    assert drawn_by(app, 0.6, launch) == (set(), [])


@pytest.mark.parametrize(
    ("sticky", "cookie", "key"),
    [
        (StickyKey("cookie", "s"), "s=a=b; t=1", "a=b"),
        (StickyKey("cookie", "s"), "xs=1;s=2", "2"),
        (StickyKey("cookie", "s"), "s=; s = ", ""),
        (StickyKey("cookie", "s"), "", ""),
        (StickyKey("cookie", "S"), "s=1", ""),
    ],
)
def test_cookies_are_found_by_exact_name(sticky, cookie, key):
    assert find_sticky_key(sticky, (("cookie", cookie),), "") == key


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
def test_only_an_active_launch_that_can_be_read_samples(stopped):
    snapshot, broken = build_snapshot({"one": stopped})
    assert (snapshot.ceiling, snapshot.sampling_launches) == (0.0, ())
    assert set(broken) == ({"one"} if stopped.fraction else set())
    assert snapshot.states == {"one": stopped}


def test_a_launch_that_cannot_be_read_stops_no_other():
    snapshot, broken = build_snapshot({"bad": state("bad", sticky="?"), "good": state("good", 25)})
    assert [mirror.name for mirror in snapshot.sampling_launches] == ["good"]
    assert (snapshot.ceiling, set(broken)) == (0.25, {"bad"})


def test_a_very_long_path_is_not_held_against_patterns(app):
    with captured(only=("/**",)) as seen:
        get(app, "/" + "a" * 512)
        get(app, "/" + "a" * 511)
    assert seen.skipped == {"path": 1}
    assert len(seen.exchanges) == 1


def test_an_app_that_seeds_random_keeps_its_sequence(app):
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


def test_nor_does_waiting_for_redis_disturb_that_sequence():
    import random

    from darklaunch_shared.process.backoff import Backoff

    before = random.getstate()
    waits = {Backoff(cap_s=1.0).next_s() for _ in range(3)}
    assert len(waits) == 3
    assert random.getstate() == before

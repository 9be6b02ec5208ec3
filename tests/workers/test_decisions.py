"""What is decided without a server: orders, measured latency, the build, Retry-After."""

import pytest
from darklaunch_shared.launch.spec import LaunchSpec, LaunchState, LaunchStatus
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse
from darklaunch_workers.http import ShadowReply
from darklaunch_workers.launch_mode import ReplayMode, orders_of
from darklaunch_workers.outcome import described, measured
from darklaunch_workers.retries import retry_after_s
from darklaunch_workers.shadow_build import ShadowBuild, named


@pytest.mark.parametrize(
    ("status", "hold", "settle", "mode", "reason"),
    [
        (LaunchStatus.ACTIVE, False, "", ReplayMode.REPLAY, ""),
        (LaunchStatus.PROMOTED, False, "", ReplayMode.REPLAY, ""),
        (LaunchStatus.ACTIVE, False, "paused", ReplayMode.REPLAY, ""),
        (LaunchStatus.PAUSED, False, "", ReplayMode.WAIT, ""),
        (LaunchStatus.PAUSED, False, "paused", ReplayMode.SETTLE, "paused"),
        (LaunchStatus.ROLLED_BACK, False, "", ReplayMode.SETTLE, "superseded_by_rollback"),
        *((status, True, "", ReplayMode.SETTLE, "superseded_by_rollback") for status in LaunchStatus),
    ],
)
def test_orders(status: LaunchStatus, hold: bool, settle: str, mode: ReplayMode, reason: str) -> None:
    orders = orders_of(LaunchState("x", status, 10, hold, 1, LaunchSpec("http://a"), settle))
    assert (orders.mode, orders.reason) == (mode, reason)


def test_credentials_that_the_shadow_sets_go_no_further() -> None:
    headers = (("set-cookie", "sid=s3cr3t; Path=/"), ("x-auth-token", "s3cr3t"), ("etag", "x"))
    outcome = described(
        ShadowReply(Response(200, headers, b"", 1.0), 1), attempts=1, waited_ms=1.0, at_ms=10**12, builds=None
    )
    assert isinstance(outcome, ShadowResponse)
    kept = (("set-cookie", "sid=[redacted]; Path=/"), ("x-auth-token", "[redacted]"), ("etag", "x"))
    assert outcome.response.headers == kept


def test_a_state_nobody_can_read_means_wait() -> None:
    assert orders_of(None).mode is ReplayMode.WAIT


@pytest.mark.parametrize(
    ("timing", "latency_ms"),
    [
        ("darklaunch;dur=12.5", 12.5),
        ("db;dur=3, darklaunch;dur=0", 0.0),
        ('cache;desc="a b", darklaunch ; desc="x" ; dur = "7"', 7.0),
        ("darklaunch;dur=100.1", None),  # longer than the whole answer took
        ("darklaunch;dur=-1", None),
        ("darklaunch;dur=nan", None),
        ("darklaunch;dur=" + "9" * 400, None),
        ("not-darklaunch;dur=5", None),
        ("darklaunch, db;dur=5", None),
        ("", None),
    ],
)
def test_the_latency_inside_the_shadow(timing: str, latency_ms: float | None) -> None:
    answer, source = measured(Response(200, (("server-timing", timing),), b"", 100.0))
    if latency_ms is None:
        assert (answer.latency_ms, source) == (100.0, LatencySource.CLIENT)
    else:
        assert (answer.latency_ms, source) == (latency_ms, LatencySource.SERVER_TIMING)


@pytest.mark.parametrize(
    ("header", "fields", "build"),
    [
        ("", (("server-timing", 'darklaunch;dur=1.5, darklaunch-build;desc="v42 (main)"'),), "v42 (main)"),
        ("", (("server-timing", "darklaunch-build;desc=v42, db;dur=1"),), "v42"),
        ("", (("server-timing", "db;dur=1"), ("server-timing", 'darklaunch-build;desc="a"')), "a"),
        ("", (("server-timing", 'not-darklaunch-build;desc="a"'),), ""),
        ("", (("server-timing", 'darklaunch-build;desc=""'),), ""),
        ("", (("x-version", "v42"),), ""),
        ("x-version", (("server-timing", 'darklaunch-build;desc="a"'), ("x-version", " v42 ")), "v42"),
        ("x-version", (("x-version", "\x00"), ("x-version", "é" * 3)), ""),
        ("x-version", (("x-version", "v" * 101),), ""),
    ],
)
def test_the_build_an_answer_names(header: str, fields: tuple[tuple[str, str], ...], build: str) -> None:
    assert named(fields, header) == build


def test_a_build_nobody_names_is_the_operators_and_one_without_an_answer_is_the_latest() -> None:
    builds = ShadowBuild(LaunchSpec("http://shadow", build="by-hand", build_header="X-Version"))
    assert builds.latest == "by-hand"
    assert builds.read((("x-version", "v2"),)) == builds.latest == "v2"
    assert builds.read(()) == "by-hand"


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", 59.0),
        ("Fri, 31 Dec 1998 23:59:59 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("9" * 50, None),
        ("\u00b2", None),
    ],
)
def test_when_to_come_back(value: str, wait_s: float | None) -> None:
    assert retry_after_s((("x", "1"), ("retry-after", value)), 946_684_740.0) == wait_s
    assert retry_after_s((), 0.0) is None

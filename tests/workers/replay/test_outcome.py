"""What a request came to, as shadow is passed on: credentials masked, latency and build read."""

import pytest
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import LatencySource, ShadowResponse
from darklaunch_workers.http import ShadowReply
from darklaunch_workers.replay.outcome import ShadowBuild, describe_outcome, read_app_latency, read_build


def test_credentials_that_the_shadow_sets_go_no_further() -> None:
    headers = (("set-cookie", "sid=s3cr3t; Path=/"), ("x-auth-token", "s3cr3t"), ("etag", "x"))
    outcome = describe_outcome(
        ShadowReply(Response(200, headers, b"", 1.0)), attempts=1, waited_ms=1.0, at_ms=10**12, build=None
    )
    assert isinstance(outcome, ShadowResponse)
    masked = (("set-cookie", "sid=[redacted]; Path=/"), ("x-auth-token", "[redacted]"), ("etag", "x"))
    assert outcome.response.headers == masked


@pytest.mark.parametrize(
    ("timing", "latency_ms"),
    [
        ("darklaunch;dur=12.5", 12.5),
        ("db;dur=3, darklaunch;dur=0", 0.0),
        ('cache;desc="a b", darklaunch ; desc="x" ; dur = "7"', 7.0),
        ("darklaunch;dur=100.1", None),  # longer than the whole response took
        ("darklaunch;dur=-1", None),
        ("darklaunch;dur=nan", None),
        ("darklaunch;dur=" + "9" * 400, None),
        ("not-darklaunch;dur=5", None),
        ("darklaunch, db;dur=5", None),
        ("", None),
    ],
)
def test_the_latency_that_the_shadows_hook_measured_is_taken(timing: str, latency_ms: float | None) -> None:
    response, source = read_app_latency(Response(200, (("server-timing", timing),), b"", 100.0))
    if latency_ms is None:
        assert (response.latency_ms, source) == (100.0, LatencySource.CLIENT)
    else:
        assert (response.latency_ms, source) == (latency_ms, LatencySource.SERVER_TIMING)


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
def test_the_build_that_a_response_names(header: str, fields: tuple[tuple[str, str], ...], build: str) -> None:
    assert read_build(fields, header) == build


def test_without_a_named_build_the_operators_counts_and_the_latest_is_remembered() -> None:
    build = ShadowBuild(LaunchSpec("http://shadow", build="by-hand", build_header="X-Version"))
    assert build.latest == "by-hand"
    assert build.read((("x-version", "v2"),)) == build.latest == "v2"
    assert build.read(()) == "by-hand"

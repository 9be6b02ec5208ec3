"""Launches, their control state, origins and policies: what is accepted, and what refused by name."""

import math
import re

import pytest
from darklaunch_shared.errors import BadLaunch, BadOrigin
from darklaunch_shared.launch.origin import Origin, explain_forbidden_address, parse_origin
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import (
    LaunchSpec,
    LaunchStatus,
    check_name,
    check_percent,
    pack_spec,
    parse_state,
    unpack_spec,
)
from darklaunch_shared.launch.states import LaunchStates
from hypothesis import assume, given
from hypothesis import strategies as st

SPEC = LaunchSpec(shadow="http://10.0.3.7:8000", allow=("POST /search",), max_rps=2.5, shards=3)


def stored(**changes: bytes) -> dict[bytes, bytes]:
    fields = {"status": b"active", "percent": b"10", "revision": b"7", "spec": pack_spec(SPEC), **changes}
    return {name.encode(): value for name, value in fields.items()}


@pytest.mark.parametrize("name", ["a", "checkout-v2", "9" * 63])
def test_names_that_may_be(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a" * 64, "a\n", "ä", "a:b", "a{b}"])
def test_names_that_may_not(name: str) -> None:
    with pytest.raises(BadLaunch, match="cannot name a launch"):
        check_name(name)


@pytest.mark.parametrize("percent", [-1, 100.01, math.nan, math.inf])
def test_percentages_that_may_not(percent: float) -> None:
    with pytest.raises(BadLaunch, match="between 0 and 100"):
        check_percent(percent)


def test_a_specification_survives_json_and_forgets_what_it_does_not_know() -> None:
    assert unpack_spec(pack_spec(SPEC)) == SPEC
    assert unpack_spec(pack_spec(SPEC)[:-1] + b',"from_the_future":[1]}') == SPEC


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b'{"shadow":5}',
        b'{"shadow":"http://a","shards":"many"}',
        b'{"shadow":"http://a","compare":1}',
        b'{"shadow":"http://a","max_rps":true}',
        b'{"shadow":"http://a","allow":"POST /"}',
        b'{"shadow":"http://a","only":[1]}',
    ],
)
def test_a_damaged_specification_is_refused(raw: bytes) -> None:
    with pytest.raises(BadLaunch, match="specification"):
        unpack_spec(raw)


@pytest.mark.parametrize("hold", [b"1", b"yes", b"0.0"])
def test_anything_but_zero_holds(hold: bytes) -> None:
    assert parse_state("checkout", stored()).fraction == 0.1
    assert parse_state("checkout", stored(hold=hold)).fraction == 0
    assert parse_state("checkout", stored(hold=b"0")).fraction == 0.1


@pytest.mark.parametrize("status", [LaunchStatus.PAUSED, LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK])
def test_only_an_active_launch_samples(status: LaunchStatus) -> None:
    assert parse_state("checkout", stored(status=status.encode())).fraction == 0


@pytest.mark.parametrize("changes", [{"status": b"on"}, {"percent": b"lots"}, {"percent": b"101"}, {"spec": b"{"}])
def test_a_damaged_state_is_refused(changes: dict[str, bytes]) -> None:
    with pytest.raises(BadLaunch):
        parse_state("checkout", stored(**changes))


def _text(command: tuple[str | bytes, ...]) -> str:
    return " ".join(part.decode() if isinstance(part, bytes) else part for part in command)


def polled(view: LaunchStates, redis: dict[str, object], now_s: float) -> int:
    """Answer a view's commands from a dict of replies; give how many rounds it took."""
    rounds = 1
    while view.feed([redis.get(_text(command)) for command in view.commands()], now_s):
        rounds += 1
    return rounds


def test_a_view_reads_launches_again_only_when_something_moved() -> None:
    view = LaunchStates()
    redis: dict[str, object] = {
        "GET dl:revision": b"1",
        "SMEMBERS dl:launches": [b"checkout", b"broken"],
        "HGETALL dl:launch:checkout": [part for pair in stored().items() for part in pair],
        "HGETALL dl:launch:broken": {b"status": b"?"},
    }
    assert polled(view, redis, 0) == 3
    assert view.states(0)["checkout"].fraction == 0.1
    assert list(view.broken()) == ["broken"]
    assert polled(view, redis, 1) == 1
    redis["HGET dl:launch:checkout hold"] = b"1"
    redis["HGETALL dl:launch:checkout"] = stored(hold=b"1")
    assert polled(view, redis, 2) == 3
    assert view.states(2)["checkout"].fraction == 0


def test_a_view_that_cannot_be_read_for_30_s_is_off() -> None:
    view = LaunchStates()
    polled(view, {"GET dl:revision": b"1", "SMEMBERS dl:launches": [b"a"], "HGETALL dl:launch:a": stored()}, 0)
    assert view.states(30)
    assert not view.states(30.1)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://10.0.3.7:8000", Origin("http", "10.0.3.7", 8000)),
        ("https://Shop.Example/", Origin("https", "shop.example", 443)),
        ("http://[::1]:80", Origin("http", "::1", 80)),
    ],
)
def test_origins_that_may_be(text: str, origin: Origin) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ftp://a", "must start with"),
        ("10.0.3.7:8000", "must start with"),
        ("http://u:p@a", "user name"),
        ("http://a/path", "end after the host"),
        ("http://a?x", "end after the host"),
        ("http://", "names no host"),
        ("http://a:99999", "not a URL"),
        ("http://a:0", "port 0"),
        ("http://a b", "space"),
        ("http://a\r\nHost: b", "control character"),
        ("http://[::1", "not a URL"),
    ],
)
def test_origins_that_may_not(text: str, why: str) -> None:
    with pytest.raises(BadOrigin, match=why):
        parse_origin(text)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "0.0.0.0",
        "fd00:ec2::254",
        "2002:a9fe:a9fe::",
        "64:ff9b::a9fe:a9fe",
        "::169.254.169.254",
        "::",
    ],
)
def test_metadata_addresses_are_forbidden_however_written(address: str) -> None:
    assert explain_forbidden_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.3.7", "::1", "93.184.216.34"])
def test_other_addresses_are_not(address: str) -> None:
    assert explain_forbidden_address(address) is None


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/orders/1", None),
        ("OPTIONS", "/", None),
        ("POST", "/search", None),
        ("POST", "/searching", "unsafe_method"),
        ("PUT", "/search", "unsafe_method"),
        ("POST", "/orders/7/quote", None),
        ("POST", "/orders/7/8/quote", "unsafe_method"),
        ("get", "/", "unsafe_method"),
        ("GET", "/health", "path"),
        ("GET", "/static/a/b.css", "path"),
    ],
)
def test_writes_are_mirrored_only_by_name(method: str, path: str, refusal: str | None) -> None:
    spec = LaunchSpec("http://a", allow=("POST /search", "POST /orders/*/quote"), skip=("/health", "/static/**"))
    assert compile_path_policy(spec).explain_refusal(method, path) == refusal


@given(
    st.lists(st.sampled_from(["a", "b", "/", "*", "**", "aa", "/b"]), max_size=7).map("".join),
    st.text("ab/", max_size=12),
)
def test_a_pattern_matches_what_trying_every_division_would(pattern: str, path: str) -> None:
    assume(pattern.count("*") <= 6 and "***" not in pattern)
    plain = re.escape("/" + pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    refused = (
        compile_path_policy(LaunchSpec("http://a", skip=("/" + pattern,))).explain_refusal("GET", "/" + path) == "path"
    )
    assert refused == bool(re.fullmatch(plain, "/" + path, re.DOTALL))


def test_no_path_makes_a_pattern_try_all_divisions() -> None:
    policy = compile_path_policy(LaunchSpec("http://a", skip=("/**a**a**b",)))
    assert policy.explain_refusal("GET", "/" + "a" * 65_536) is None


@pytest.mark.parametrize("allow", ["POST", "post /a", "/a", "POST a", "POST /a b", "POST /" + "*" * 9])
def test_a_malformed_allowance_is_refused(allow: str) -> None:
    with pytest.raises(BadLaunch):
        compile_path_policy(LaunchSpec("http://a", allow=(allow,)))

"""Path policies: which requests a launch mirrors, and that no path makes a pattern slow."""

import re

import pytest
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import LaunchSpec
from hypothesis import assume, given
from hypothesis import strategies as st


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
def test_writes_are_mirrored_only_where_the_launch_allows_them(method: str, path: str, refusal: str | None) -> None:
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

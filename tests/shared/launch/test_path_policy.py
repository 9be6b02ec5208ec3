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
    assume(pattern.count("*") <= 6 and "***" not in pattern and "//" not in "/" + path)
    plain = re.escape(("/" + pattern).rstrip("/")).replace(r"\*\*", ".*").replace(r"\*", "[^/]*") + "/?"
    refused = (
        compile_path_policy(LaunchSpec("http://a", skip=("/" + pattern,))).explain_refusal("GET", "/" + path) == "path"
    )
    assert refused == bool(re.fullmatch(plain, "/" + path, re.DOTALL))


@pytest.mark.parametrize(
    "path",
    ["/private/x", "/%70rivate/x", "/private%2Fx", "/x/../private/x", "/x/%2e%2e/private/x", "//private/x",
     "/PRIVATE/x", "/%2570rivate/x", "/x/..;/private/x", "/private;v=1/x", "/x\\..\\private\\x",
     "/private%00/x", "/x%3f/../private/x"],
)  # fmt: skip
def test_a_skipped_path_is_not_mirrored_however_it_is_spelt(path: str) -> None:
    assert compile_path_policy(LaunchSpec("http://a", skip=("/private/**",))).explain_refusal("GET", path) == "path"


def test_no_spelling_leads_out_of_what_is_allowed() -> None:
    policy = compile_path_policy(LaunchSpec("http://a", only=("/orders/**", "/search/*"), allow=("POST /search/*",)))
    assert policy.explain_refusal("GET", "/orders/../admin") == "path"
    assert policy.explain_refusal("GET", "/orders/a%20b") is None
    assert policy.explain_refusal("POST", "/search/..%2fpay") == "unsafe_method"
    assert policy.explain_refusal("POST", "/search/%C3%A9") is None


def test_a_pattern_may_be_written_decoded_or_encoded() -> None:
    for pattern in ("/café/*", "/caf%C3%A9/*"):
        policy = compile_path_policy(LaunchSpec("http://a", only=(pattern,)))
        assert policy.explain_refusal("GET", "/caf%C3%A9/1") is None
        policy = compile_path_policy(LaunchSpec("http://a", skip=(pattern,)))
        assert policy.explain_refusal("GET", "/caf%c3%a9/1") == "path"
    assert compile_path_policy(LaunchSpec("http://a", skip=("/a%2Ab",))).explain_refusal("GET", "/a-b") is None


def test_a_request_is_mirrored_only_if_each_method_it_names_is() -> None:
    policy = compile_path_policy(LaunchSpec("http://a", allow=("POST /items/*", "DELETE /items/*")))
    assert policy.explain_refusal("GET", "/items/1", {"DELETE"}) is None
    assert policy.explain_refusal("GET", "/users/1", {"DELETE"}) == "method_override"
    assert policy.explain_refusal("POST", "/items/1", {"PUT", "GET"}) == "method_override"
    assert policy.explain_refusal("POST", "/users/1", {"GET"}) == "unsafe_method"
    assert compile_path_policy(LaunchSpec("http://a")).explain_refusal("GET", "/", {"HEAD"}) is None


def test_no_path_makes_a_pattern_try_all_divisions() -> None:
    policy = compile_path_policy(LaunchSpec("http://a", skip=("/**a**a**b",)))
    assert policy.explain_refusal("GET", "/" + "a" * 65_536) is None


@pytest.mark.parametrize("allow", ["POST", "post /a", "/a", "POST a", "POST /a b", "POST /" + "*" * 9])
def test_a_malformed_allowance_is_refused(allow: str) -> None:
    with pytest.raises(BadLaunch):
        compile_path_policy(LaunchSpec("http://a", allow=(allow,)))

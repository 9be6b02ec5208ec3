"""Filters that let nothing through are recognised, with the app's routes known or not."""

import pytest
from darklaunch_console.launches.idle_filters import explain_idle_filters
from darklaunch_shared.launch.spec import LaunchSpec

ROUTES = [("GET", "/orders/{id}"), ("GET", "/search"), ("POST", "/orders")]


@pytest.mark.parametrize(
    ("only", "skip", "why"),
    [
        (("/nosuch/**",), (), "none of the 3 routes of the app passes --only and --skip"),
        ((), ("/**",), "none of the 3 routes of the app passes --only and --skip"),
        (("/nosuch/**",), ("/**",), "none of the 3 routes of the app passes --only and --skip"),
        (("/orders/**",), (), ""),
        ((), ("/search",), ""),
        ((), (), ""),
    ],
)
def test_with_known_routes_all_of_them_have_to_be_left_out(
    only: tuple[str, ...], skip: tuple[str, ...], why: str
) -> None:
    assert explain_idle_filters(LaunchSpec("http://s:1", only=only, skip=skip), ROUTES) == why


@pytest.mark.parametrize(
    ("only", "skip", "why"),
    [
        ((), ("/**",), "--skip leaves out every path"),
        (("/orders/**",), ("/orders/**",), "--skip leaves out everything that --only lets through"),
        (("/nosuch/**",), (), ""),  # without its routes, nobody knows what the app has
        ((), ("/private/**",), ""),
    ],
)
def test_without_known_routes_only_what_is_certain_is_said(
    only: tuple[str, ...], skip: tuple[str, ...], why: str
) -> None:
    assert explain_idle_filters(LaunchSpec("http://s:1", only=only, skip=skip), ()) == why

"""Filters with which a launch would mirror nothing: `--only` and `--skip` that let no request through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from darklaunch_comparator.coverage import RouteStanding, classify_routes
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.route_table import Route

from darklaunch_console.output.text import format_plural

_PATHS: Final = ("/", "/a", "/a/b", "/a/b/c", "/a/b/c/d")
"""Paths of every depth that patterns are tried on while the app's routes are not known."""


def explain_idle_filters(spec: LaunchSpec, routes: Sequence[Route]) -> str:
    """Return why no request of the app passes `--only` and `--skip`; "" if one may. `routes` is () if not known."""
    if not (spec.only or spec.skip):
        return ""
    if routes:
        standings = {route.standing for route in classify_routes(routes, {}, spec, JudgePolicy()).routes}
        if RouteStanding.LEFT_OUT in standings and standings <= {RouteStanding.LEFT_OUT, RouteStanding.WRITE}:
            return f"none of the {format_plural(len(routes), 'route')} of the app passes --only and --skip"
        return ""
    if spec.skip and _refuses_all(replace(spec, only=()), _PATHS):
        return "--skip leaves out every path"
    allowed = [pattern.rpartition(" ")[2].replace("**", "a").replace("*", "a") for pattern in spec.only]
    if spec.skip and allowed and _refuses_all(spec, allowed):
        return "--skip leaves out everything that --only lets through"
    return ""


def _refuses_all(spec: LaunchSpec, paths: Sequence[str]) -> bool:
    try:
        policy = compile_path_policy(spec)
    except BadLaunch:
        return False
    return all(policy.explain_refusal("GET", path) == "path" for path in paths)

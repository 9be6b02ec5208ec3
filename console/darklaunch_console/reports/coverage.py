"""How many of the app's routes a launch has judged: read, said in one sentence, and listed route by route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from darklaunch_comparator.coverage import CoveredRoute, RouteCoverage, RouteStanding, classify_routes
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.evidence import OutcomeCounts
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import read_policy
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.route_tables import read_routes

from darklaunch_console.output.numbers import format_count
from darklaunch_console.output.screen import make_printable
from darklaunch_console.output.table import render_table
from darklaunch_console.output.text import format_plural
from darklaunch_console.stores.postgres import Connection

UNKNOWN: Final = (
    "Which routes the app has is not known: the hook lists them for FastAPI, Starlette, Flask and Django, "
    "some seconds after the app starts."
)
LISTED: Final = 3
_MISSING: Final = (
    (RouteStanding.MIRRORED, "too few exchanges yet"),
    (RouteStanding.UNCOMPARED, "no response to compare"),
    (RouteStanding.UNSEEN, "no request yet"),
)
_BY_DESIGN: Final = (
    (RouteStanding.WRITE, "is a write", "are writes"),
    (RouteStanding.LEFT_OUT, "is left out", "are left out"),
)


def read_coverage(
    connection: Connection, record: LaunchRecord, endpoints: Mapping[str, report_queries.EndpointCounts]
) -> RouteCoverage | None:
    """Read how far each route of the launch's app got; None while no hook has listed them."""
    routes, omitted = read_routes(connection, record.state.spec.app)
    if not routes:
        return None
    outcomes = {
        name: OutcomeCounts(counts.mismatched, 0, counts.matched + counts.mismatched + counts.ignored)
        for name, counts in endpoints.items()
    }
    return classify_routes(routes, outcomes, record.state.spec, read_launch_policy(record), omitted)


def read_launch_policy(record: LaunchRecord) -> JudgePolicy:
    """Return the policy that a launch is judged by; the default one if another release wrote it."""
    try:
        return read_policy(record.state.spec.policy)
    except BadPolicy:  # the judge reports it; a report can do with the default
        return JudgePolicy()


def describe_coverage(coverage: RouteCoverage) -> str:
    """Return the coverage in a sentence: `37 of 41 routes mirrored and judged; no request yet: GET /a`."""
    parts = [f"{format_count(coverage.judged)} of {format_plural(coverage.total, 'route')} mirrored and judged"]
    parts += [f"{why}: {_name_routes(routes)}" for standing, why in _MISSING if (routes := _select(coverage, standing))]
    for standing, one, many in _BY_DESIGN:
        if routes := _select(coverage, standing):
            parts.append(f"{format_count(len(routes))} {one if len(routes) == 1 else many}")
    return "; ".join(parts)


def render_unjudged_routes(coverage: RouteCoverage) -> list[str]:
    """Return a table of every route that was not judged, with what is missing."""
    rows = [[make_printable(route.name, 50), format_count(route.n), describe_missing(route)] for route in coverage.rest]
    lines = ["", *render_table(["not judged", "compared", "missing"], rows, left=(0, 2))] if rows else []
    if coverage.omitted:
        lines += ["", f"{format_plural(coverage.omitted, 'route')} more than hooks list for one app."]
    return lines


def coverage_to_json(coverage: RouteCoverage) -> dict[str, Any]:
    """Return the coverage as JSON values."""
    return {
        "routes": coverage.total,
        "judged": coverage.judged,
        "omitted": coverage.omitted,
        "list": [
            {
                "method": route.method,
                "template": route.template,
                "standing": route.standing.value,
                "compared": route.n,
                "needed": route.needed,
            }
            for route in coverage.routes
        ],
    }


def _select(coverage: RouteCoverage, standing: RouteStanding) -> list[CoveredRoute]:
    return [route for route in coverage.routes if route.standing is standing]


def _name_routes(routes: list[CoveredRoute]) -> str:
    named = ", ".join(make_printable(route.name, 60) for route in routes[:LISTED])
    return named + (f" and {format_count(len(routes) - LISTED)} more" if len(routes) > LISTED else "")


def describe_missing(route: CoveredRoute) -> str:
    """Return why a route is not judged: `12 more exchanges`, `no request was sampled yet`."""
    if route.standing is RouteStanding.MIRRORED:
        return f"{format_count(route.needed)} more exchanges"
    return {
        RouteStanding.UNCOMPARED: "no response could be compared",
        RouteStanding.UNSEEN: "no request was sampled yet",
        RouteStanding.WRITE: "a write that is not allowed (--allow)",
        RouteStanding.LEFT_OUT: "left out by --only or --skip",
    }[route.standing]

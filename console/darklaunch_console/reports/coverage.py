"""Which of the app's routes a launch has judged: read, said in one sentence, and laid out route by route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

UNKNOWN = (
    "Which routes the app has is not known: hooks tell it for FastAPI, Starlette, Flask and Django, "
    "some seconds after they start."
)
_NAMED = 3
_LACKS = (
    (RouteStanding.MIRRORED, "too few exchanges yet"),
    (RouteStanding.UNCOMPARED, "no answer to compare"),
    (RouteStanding.UNSEEN, "no request yet"),
)
_BY_DESIGN = (
    (RouteStanding.WRITE, "is a write", "are writes"),
    (RouteStanding.LEFT_OUT, "is left out", "are left out"),
)


def read_coverage(
    connection: Connection, record: LaunchRecord, endpoints: Mapping[str, report_queries.EndpointCounts]
) -> RouteCoverage | None:
    """Read how far each route got; None when no hook has told its app's routes."""
    routes, omitted = read_routes(connection)
    if not routes:
        return None
    counts = {
        name: OutcomeCounts(seen.mismatched, 0, seen.matched + seen.mismatched + seen.ignored)
        for name, seen in endpoints.items()
    }
    return classify_routes(routes, counts, record.state.spec, read_launch_policy(record), omitted)


def describe_coverage(coverage: RouteCoverage) -> str:
    """Say it in a line: `37 of 41 routes mirrored and judged; too few exchanges yet: GET /a, GET /b; 2 are writes`."""
    told = [f"{format_count(coverage.judged)} of {format_plural(coverage.total, 'route')} mirrored and judged"]
    told += [f"{why}: {_names(routes)}" for standing, why in _LACKS if (routes := _of(coverage, standing))]
    for standing, one, many in _BY_DESIGN:
        if routes := _of(coverage, standing):
            told.append(f"{format_count(len(routes))} {one if len(routes) == 1 else many}")
    return "; ".join(told)


def render_unjudged_routes(coverage: RouteCoverage) -> list[str]:
    """Lay out every route that was not judged, with what is missing."""
    rest = coverage.rest
    rows = [[make_printable(route.name, 50), format_count(route.n), _missing(route)] for route in rest]
    lines = ["", *render_table(["not judged", "compared", "missing"], rows, left=(0, 2))] if rest else []
    if coverage.omitted:
        lines += ["", f"{format_plural(coverage.omitted, 'route')} more than hooks list for one app."]
    return lines


def coverage_to_json(coverage: RouteCoverage) -> dict[str, Any]:
    """Give it for programs."""
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


def _of(coverage: RouteCoverage, standing: RouteStanding) -> list[CoveredRoute]:
    return [route for route in coverage.routes if route.standing is standing]


def _names(routes: list[CoveredRoute]) -> str:
    named = ", ".join(make_printable(route.name, 60) for route in routes[:_NAMED])
    return named + (f" and {format_count(len(routes) - _NAMED)} more" if len(routes) > _NAMED else "")


def _missing(route: CoveredRoute) -> str:
    if route.standing is RouteStanding.MIRRORED:
        return f"{format_count(route.needed)} more exchanges"
    return {
        RouteStanding.UNCOMPARED: "no answer could be compared",
        RouteStanding.UNSEEN: "no request was sampled yet",
        RouteStanding.WRITE: "a write that is not allowed (--allow)",
        RouteStanding.LEFT_OUT: "left out by --only or --skip",
    }[route.standing]


def read_launch_policy(record: LaunchRecord) -> JudgePolicy:
    """Read what a launch is judged by."""
    try:
        return read_policy(record.state.spec.policy)
    except BadPolicy:  # of another release: the judge says so; here the usual one will do
        return JudgePolicy()

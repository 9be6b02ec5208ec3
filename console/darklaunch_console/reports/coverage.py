"""Which of the app's routes a launch has judged: read, said in one sentence, and laid out route by route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from darklaunch_comparator.coverage import CoveredRoute, RouteCoverage, RouteStanding, cover
from darklaunch_comparator.errors import BadPolicy
from darklaunch_comparator.evidence import OutcomeCounts
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.judging.policy_file import read_policy
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.launches import LaunchRecord

from darklaunch_console.output.numbers import count
from darklaunch_console.output.screen import from_outside
from darklaunch_console.output.table import table
from darklaunch_console.output.text import plural
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


def gather_coverage(
    connection: Connection, record: LaunchRecord, endpoints: Mapping[str, report_queries.EndpointCounts]
) -> RouteCoverage | None:
    """Read how far each route got; None when no hook has told its app's routes."""
    routes, omitted = report_queries.routes(connection)
    if not routes:
        return None
    counts = {
        name: OutcomeCounts(seen.mismatched, 0, seen.matched + seen.mismatched + seen.ignored)
        for name, seen in endpoints.items()
    }
    return cover(routes, counts, record.state.spec, policy_of(record), omitted)


def sentence(coverage: RouteCoverage) -> str:
    """Say it in a line: `37 of 41 routes mirrored and judged; too few exchanges yet: GET /a, GET /b; 2 are writes`."""
    told = [f"{count(coverage.judged)} of {plural(coverage.total, 'route')} mirrored and judged"]
    told += [f"{why}: {_names(routes)}" for standing, why in _LACKS if (routes := _of(coverage, standing))]
    for standing, one, many in _BY_DESIGN:
        if routes := _of(coverage, standing):
            told.append(f"{count(len(routes))} {one if len(routes) == 1 else many}")
    return "; ".join(told)


def as_lines(coverage: RouteCoverage) -> list[str]:
    """Lay out every route that was not judged, with what is missing."""
    rest = coverage.rest
    rows = [[from_outside(route.name, 50), count(route.n), _missing(route)] for route in rest]
    lines = ["", *table(["not judged", "compared", "missing"], rows, left=(0, 2))] if rest else []
    if coverage.omitted:
        lines += ["", f"{plural(coverage.omitted, 'route')} more than hooks list for one app."]
    return lines


def as_values(coverage: RouteCoverage) -> dict[str, Any]:
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
    named = ", ".join(from_outside(route.name, 60) for route in routes[:_NAMED])
    return named + (f" and {count(len(routes) - _NAMED)} more" if len(routes) > _NAMED else "")


def _missing(route: CoveredRoute) -> str:
    if route.standing is RouteStanding.MIRRORED:
        return f"{count(route.needed)} more exchanges"
    return {
        RouteStanding.UNCOMPARED: "no answer could be compared",
        RouteStanding.UNSEEN: "no request was sampled yet",
        RouteStanding.WRITE: "a write that is not allowed (--allow)",
        RouteStanding.LEFT_OUT: "left out by --only or --skip",
    }[route.standing]


def policy_of(record: LaunchRecord) -> JudgePolicy:
    """Read what a launch is judged by."""
    try:
        return read_policy(record.state.spec.policy)
    except BadPolicy:  # of another release: the judge says so; here the usual one will do
        return JudgePolicy()

"""Which of the app's routes were mirrored and judged, and why the others were not. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from darklaunch_shared.errors import BadLaunch
from darklaunch_shared.launch.path_policy import compile_path_policy
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.route_table import ANY_METHOD, Route

from .evidence import OutcomeCounts, above, below, clean_exchanges_needed, log_e, log_threshold
from .judging.policy import JudgePolicy

_PARAMETER: Final = re.compile(r"\{[^{}]*\}")


class RouteStanding(StrEnum):
    """How far a route got."""

    JUDGED = "judged"  # its mismatch rate is shown to be below the policy's bound, or above the budget
    MIRRORED = "mirrored"  # exchanges were compared, too few to judge it
    UNCOMPARED = "uncompared"  # requests were sampled, but no response could be compared
    UNSEEN = "unseen"  # no request was sampled yet
    WRITE = "write"  # a write that the launch does not allow
    LEFT_OUT = "left_out"  # outside the launch's --only, or inside its --skip


@dataclass(frozen=True, slots=True)
class CoveredRoute:
    """One route: `n` exchanges were compared; `needed` more without a mismatch are needed to judge it."""

    method: str
    template: str
    standing: RouteStanding
    n: int
    needed: int

    @property
    def name(self) -> str:
        """The route as endpoints are named; without a method if the framework names none."""
        return self.template if self.method == ANY_METHOD else f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True)
class RouteCoverage:
    """All routes, judged ones first, then by what is missing. `omitted` more were too many to list."""

    routes: tuple[CoveredRoute, ...]
    omitted: int = 0

    @property
    def judged(self) -> int:
        """The number of routes judged."""
        return sum(route.standing is RouteStanding.JUDGED for route in self.routes)

    @property
    def rest(self) -> tuple[CoveredRoute, ...]:
        """The routes that were not judged."""
        return tuple(route for route in self.routes if route.standing is not RouteStanding.JUDGED)

    @property
    def total(self) -> int:
        """The number of routes, listed or not."""
        return len(self.routes) + self.omitted


def classify_routes(
    routes: Iterable[Route],
    counts: Mapping[str, OutcomeCounts],
    spec: LaunchSpec,
    policy: JudgePolicy,
    omitted: int = 0,
) -> RouteCoverage:
    """Return how far each of the apps' routes got. `counts` are mismatches (`pos`) of compared exchanges by endpoint.

    An endpoint with n = 0 was sampled, but none of its responses could be compared.
    """
    by_template: defaultdict[str, OutcomeCounts] = defaultdict(OutcomeCounts)
    for endpoint, endpoint_counts in counts.items():
        by_template[endpoint.partition(" ")[2]] += endpoint_counts
    ranks = list(RouteStanding)
    covered = [
        _classify_route(
            method,
            template,
            by_template.get(template) if method == ANY_METHOD else _sum_counts(method, template, counts),
            spec,
            policy,
        )
        for method, template in routes
    ]
    covered.sort(key=lambda route: (ranks.index(route.standing), route.template, route.method))
    return RouteCoverage(tuple(covered), omitted)


def _sum_counts(method: str, template: str, counts: Mapping[str, OutcomeCounts]) -> OutcomeCounts | None:
    """Return the counts of a route; None if none of its requests was sampled. GET routes also answer HEAD."""
    methods = ("GET", "HEAD") if method == "GET" else (method,)
    sampled = [counts[endpoint] for each in methods if (endpoint := f"{each} {template}") in counts]
    return sum(sampled, OutcomeCounts()) if sampled else None


def _classify_route(
    method: str, template: str, sampled: OutcomeCounts | None, spec: LaunchSpec, policy: JudgePolicy
) -> CoveredRoute:
    counts = sampled or OutcomeCounts()
    needed = clean_exchanges_needed(below(policy.endpoint_bound), counts, log_threshold(policy.beta)) or 0
    exceeds_budget = log_e(above(policy.budgets.mismatch), counts) >= log_threshold(policy.alpha)
    if counts.n:
        standing = RouteStanding.JUDGED if not needed or exceeds_budget else RouteStanding.MIRRORED
    elif sampled is not None:
        standing = RouteStanding.UNCOMPARED
    else:
        standing = _explain_unsampled(method, template, spec)
    return CoveredRoute(method, template, standing, counts.n, needed)


def _explain_unsampled(method: str, template: str, spec: LaunchSpec) -> RouteStanding:
    """Return why no request of a route was sampled, by asking the launch about a path that the route could have."""
    path = _PARAMETER.sub("1", template)
    try:
        refusal = compile_path_policy(spec).explain_refusal("GET" if method == ANY_METHOD else method, path)
    except BadLaunch:
        refusal = None
    reasons = {"unsafe_method": RouteStanding.WRITE, "path": RouteStanding.LEFT_OUT}
    return reasons.get(refusal or "", RouteStanding.UNSEEN)

"""Which of the app's routes were mirrored and judged, and why the others were not. Pure: tables and counts in, out."""

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

    JUDGED = "judged"  # its mismatches are shown to be below the bound of the policy, or above its budget
    MIRRORED = "mirrored"  # there are exchanges, too few to judge by
    UNCOMPARED = "uncompared"  # requests were sampled, and no answer to one could be compared
    UNSEEN = "unseen"  # no exchange yet
    WRITE = "write"  # a write that the launch does not allow
    LEFT_OUT = "left_out"  # outside the launch's --only, or inside its --skip


@dataclass(frozen=True, slots=True)
class CoveredRoute:
    """One route: `n` exchanges were compared, `needed` more without a mismatch would judge it."""

    method: str
    template: str
    standing: RouteStanding
    n: int
    needed: int

    @property
    def name(self) -> str:
        """The route as endpoints are named; without a method where the framework gave none."""
        return self.template if self.method == ANY_METHOD else f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True)
class RouteCoverage:
    """All routes, the judged first, then by what is missing. `omitted` routes are not listed, apps have too many."""

    routes: tuple[CoveredRoute, ...]
    omitted: int = 0

    @property
    def judged(self) -> int:
        """How many routes were judged."""
        return sum(route.standing is RouteStanding.JUDGED for route in self.routes)

    @property
    def rest(self) -> tuple[CoveredRoute, ...]:
        """The routes that were not judged."""
        return tuple(route for route in self.routes if route.standing is not RouteStanding.JUDGED)

    @property
    def total(self) -> int:
        """How many routes there are."""
        return len(self.routes) + self.omitted


def classify_routes(
    routes: Iterable[Route],
    counts: Mapping[str, OutcomeCounts],
    spec: LaunchSpec,
    policy: JudgePolicy,
    omitted: int = 0,
) -> RouteCoverage:
    """Hold the apps' routes against what was compared, by endpoint: `pos` mismatched of `n`.

    An endpoint with an `n` of 0 was sampled, but nothing of it could be compared.
    """
    by_template: defaultdict[str, OutcomeCounts] = defaultdict(OutcomeCounts)
    for endpoint, seen in counts.items():
        by_template[endpoint.partition(" ")[2]] += seen
    ranks = list(RouteStanding)
    covered = [
        _covered(
            method, template, by_template.get(template) if method == ANY_METHOD else _seen(method, template, counts),
            spec, policy,
        )
        for method, template in routes
    ]  # fmt: skip
    return RouteCoverage(tuple(sorted(covered, key=lambda r: (ranks.index(r.standing), r.template, r.method))), omitted)


def _seen(method: str, template: str, counts: Mapping[str, OutcomeCounts]) -> OutcomeCounts | None:
    methods = ("GET", "HEAD") if method == "GET" else (method,)
    seen = [counts[name] for each in methods if (name := f"{each} {template}") in counts]
    return sum(seen, OutcomeCounts()) if seen else None


def _covered(
    method: str, template: str, found: OutcomeCounts | None, spec: LaunchSpec, policy: JudgePolicy
) -> CoveredRoute:
    seen = found or OutcomeCounts()
    bar = log_threshold(policy.beta)
    needed = clean_exchanges_needed(below(policy.endpoint_bound), seen, bar) or 0
    condemned = log_e(above(policy.budgets.mismatch), seen) >= log_threshold(policy.alpha)
    if seen.n:
        judged = not needed or condemned
        return CoveredRoute(
            method, template, RouteStanding.JUDGED if judged else RouteStanding.MIRRORED, seen.n, needed
        )
    standing = _unseen(method, template, spec) if found is None else RouteStanding.UNCOMPARED
    return CoveredRoute(method, template, standing, 0, needed)


def _unseen(method: str, template: str, spec: LaunchSpec) -> RouteStanding:
    """Say why nothing of a route was mirrored, by asking the launch about a path that it could have."""
    try:
        refusal = compile_path_policy(spec).explain_refusal(
            "GET" if method == ANY_METHOD else method, _PARAMETER.sub("1", template)
        )
    except BadLaunch:
        refusal = None
    return {"unsafe_method": RouteStanding.WRITE, "path": RouteStanding.LEFT_OUT}.get(
        refusal or "", RouteStanding.UNSEEN
    )

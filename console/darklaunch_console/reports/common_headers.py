"""Header differences that nearly all endpoints share, said once: new `vary` must not head every problem. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .problems import ReportProblem

FEWEST_ENDPOINTS: Final = 3
"""Endpoints with mismatches below which nothing is common to them."""
COMMON_SHARE: Final = 0.8
"""The share of those endpoints that have to show a difference for it to be common to all."""

_MORE: Final = re.compile(r" and (\d+) more\Z")

Part = tuple[str, str]
"""A place and the kind of difference there."""


def fold_common_headers(problems: Sequence[ReportProblem]) -> tuple[ReportProblem, ...]:
    """Return the problems with each common header difference as one, right behind the problem that leads.

    What it was part of is listed without it, and not at all if there was nothing else.
    """
    endpoints = {problem.endpoint for problem in problems if problem.outcome == "mismatched"}
    common = _find_common(problems, endpoints)
    if not common:
        return tuple(problems)
    rest = [
        _leave_out(problem, common)
        for problem in problems
        if not problem.parts or not set(problem.parts) <= common.keys()
    ]
    shared = [_join(part, holders, len(endpoints)) for part, holders in common.items()]
    return (*rest[:1], *shared, *rest[1:])


def _find_common(problems: Sequence[ReportProblem], endpoints: set[str]) -> dict[Part, list[ReportProblem]]:
    if len(endpoints) < FEWEST_ENDPOINTS:
        return {}
    holders: dict[Part, list[ReportProblem]] = {}
    for problem in problems:
        for part in problem.parts:
            if part[0].startswith("header:"):
                holders.setdefault(part, []).append(problem)
    return {
        part: found
        for part, found in holders.items()
        if len({problem.endpoint for problem in found}) >= COMMON_SHARE * len(endpoints)
    }


def _leave_out(problem: ReportProblem, common: dict[Part, list[ReportProblem]]) -> ReportProblem:
    """Return a problem without what is said elsewhere."""
    shared = [part for part in problem.parts if part in common]
    if not shared:
        return problem
    more = _MORE.search(problem.title)
    hidden = int(more[1]) if more else 0
    named = problem.title[: more.start()] if more else problem.title
    kept = named.split(", ")
    for path, kind in shared:
        text = f"{path} {'differs' if kind == 'header' else kind}"
        if text in kept:
            kept.remove(text)
        else:
            hidden -= 1
    title = ", ".join(kept) + (f" and {hidden} more" if hidden > 0 else "")
    return replace(problem, title=title, parts=tuple(part for part in problem.parts if part not in common))


def _join(part: Part, holders: Sequence[ReportProblem], endpoints: int) -> ReportProblem:
    path, kind = part
    first = max(holders, key=lambda problem: (len(problem.parts) == 1, problem.count))
    named = len({problem.endpoint for problem in holders})
    where = f"all {endpoints}" if named == endpoints else f"{named} of {endpoints}"
    return replace(
        first,
        endpoint=f"{where} endpoints with mismatches",
        title=f"{path} {'differs' if kind == 'header' else kind}",
        count=sum(problem.count for problem in holders),
        share=max(problem.share for problem in holders),
        first_seen=min(problem.first_seen for problem in holders),
        last_seen=max(problem.last_seen for problem in holders),
        parts=(part,),
        joined=tuple(
            problem.fingerprint for problem in holders if problem is not first and set(problem.parts) == {part}
        ),
    )

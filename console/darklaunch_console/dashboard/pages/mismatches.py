"""The page of a launch's mismatches: every kind, by state and endpoint, the most important first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from darklaunch_comparator.store.signatures import STATES

from darklaunch_console.dashboard.queries import Query, change_query, read_number, read_value
from darklaunch_console.errors import BadUsage
from darklaunch_console.output.text import format_plural
from darklaunch_console.reports.evidence import gather_evidence
from darklaunch_console.reports.mismatch_list import MismatchFilter, select_problems
from darklaunch_console.reports.problems import ReportProblem
from darklaunch_console.stores.postgres import Connection

PAGE: Final = 100
ANY: Final = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class MismatchesPage:
    """One page of mismatches; `previous` and `following` are the queries of the pages beside it, "" for none."""

    launch: str
    answer: str
    state: str
    endpoint: str
    problems: tuple[ReportProblem, ...]
    first: int
    total: int
    previous: str
    following: str


def read_mismatches(connection: Connection, name: str, query: Query) -> MismatchesPage:
    """Read the page of mismatches that a query asks for. Raises NoSuchLaunch, and BadUsage for a bad filter."""
    state = read_value(query, "state") or "open"
    if state not in (*STATES, ANY):
        raise BadUsage(f"state {state[:40]!r} is none of {', '.join((*STATES, ANY))}")
    endpoint = read_value(query, "endpoint")
    states = STATES if state == ANY else (state,)
    evidence = gather_evidence(connection, name)
    problems = select_problems(evidence, MismatchFilter(states=states, state=state, endpoint=endpoint))
    start = min(read_number(query, "from", 0), max(0, len(problems) - 1)) // PAGE * PAGE
    return MismatchesPage(
        launch=name,
        answer=_describe(len(problems), evidence.compared, state, filtered=bool(endpoint)),
        state=state,
        endpoint=endpoint,
        problems=tuple(problems[start : start + PAGE]),
        first=start + 1,
        total=len(problems),
        previous=change_query(query, **{"from": str(start - PAGE)}) if start else "",
        following=change_query(query, **{"from": str(start + PAGE)}) if start + PAGE < len(problems) else "",
    )


def _describe(number: int, compared: int, state: str, *, filtered: bool) -> str:
    among = f"in {format_plural(compared, 'compared exchange')}"
    kind = "" if state == ANY else f"{state} "
    where = " at the chosen endpoints" if filtered else ""
    if not number:
        return f"No {kind}mismatch{where} {among}." if compared else "Nothing has been compared yet."
    return f"{format_plural(number, f'{kind}kind')} of mismatch{where} {among}, the most important first."

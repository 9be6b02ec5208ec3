"""The three bugs that are planted in v2, and the check that exactly these were found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from darklaunch_console.reports.evidence import ReportEvidence
from darklaunch_console.reports.judgement import VerdictAnswer
from darklaunch_console.reports.problems import ReportProblem

from .load import LoadSummary

LAUNCH: Final = "shop-v2"


@dataclass(frozen=True, slots=True)
class PlantedRegression:
    """A bug in v2: the endpoint it shows at, what was done, and the test that recognizes it in a report."""

    endpoint: str
    what: str
    is_found_as: Callable[[ReportProblem], bool]


PLANTED: Final = (
    PlantedRegression(
        "GET /orders/{id}",
        "v2 renamed total_cents to total",
        lambda problem: "$.total_cents missing" in problem.title and "$.total extra" in problem.title,
    ),
    PlantedRegression(
        "GET /quote",
        "v2 divides by the quantity, and some ask for 0",
        lambda problem: problem.title.startswith("status 200 → 500"),
    ),
    PlantedRegression(
        "GET /search",
        "v2 dropped the index that popular searches need",
        lambda problem: problem.outcome == "slow" or "timeout" in problem.title,
    ),
)

NOISE: Final = ("$.generated_at", "$.request_id")
"""The places that differ in every pair of responses and must not be reported."""


def find_planted(problem: ReportProblem) -> PlantedRegression | None:
    """Return the planted bug that a problem is, or None."""
    for planted in PLANTED:
        if planted.endpoint == problem.endpoint and planted.is_found_as(problem):
            return planted
    return None


def find_mistakes(evidence: ReportEvidence, answer: VerdictAnswer, users: LoadSummary) -> list[str]:
    """Return what the report of v2 says other than it should: missing bugs, invented ones, noise, lost exchanges."""
    mistakes: list[str] = []
    if answer is not VerdictAnswer.ROLL_BACK:
        mistakes.append(f"the verdict about v2 was not to roll it back: {evidence.verdict[0]}")
    found = [find_planted(problem) for problem in evidence.problems]
    mistakes += [f"{bug.what}, and {bug.endpoint} was not reported for it" for bug in PLANTED if bug not in found]
    for problem, planted in zip(evidence.problems, found, strict=True):
        if planted is None:
            mistakes.append(f"reported without being planted: {problem.endpoint} {problem.title}")
    excused = {excuse.path for excuse in evidence.excuses}
    mistakes += [f"{path} differs in every pair and was not excused" for path in NOISE if path not in excused]
    if evidence.ledger.on_its_way:
        mistakes.append(f"{evidence.ledger.on_its_way} exchanges are unaccounted for")
    if users.errors:
        mistakes.append(f"{users.errors} users got an error from the primary: {users.first_error}")
    return mistakes

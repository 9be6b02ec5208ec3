"""What the demo claims will be found, and whether it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from darklaunch_console.reports.evidence import ReportEvidence, ReportProblem
from darklaunch_console.reports.judgement import VerdictAnswer

from .load import LoadSummary

LAUNCH: Final = "shop-v2"


@dataclass(frozen=True, slots=True)
class PlantedRegression:
    """A regression in v2: where it shows, what was done, and how its signature is told from others."""

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
        "v2 divides by the quantity, which some ask to be 0",
        lambda problem: problem.title.startswith("status 200 → 500"),
    ),
    PlantedRegression(
        "GET /search",
        "v2 replaced the index that popular searches need",
        lambda problem: problem.outcome == "slow" or "timeout" in problem.title,
    ),
)

NOISE: Final = ("$.generated_at", "$.request_id")
"""What differs in every pair of answers and must not be reported."""


def find_mistakes(evidence: ReportEvidence, answer: VerdictAnswer, users: LoadSummary) -> list[str]:
    """Say where the story came out otherwise than told; empty when it came out as told."""
    found = list(evidence.problems)
    wrong: list[str] = []
    if answer is not VerdictAnswer.ROLL_BACK:
        wrong.append(f"the verdict about v2 was not to roll it back: {evidence.verdict[0]}")
    for planted in PLANTED:
        of_it = [problem for problem in found if problem.endpoint == planted.endpoint and planted.is_found_as(problem)]
        if not of_it:
            wrong.append(f"{planted.what}, and {planted.endpoint} was not reported for it")
        found = [problem for problem in found if problem not in of_it]
    wrong += [f"reported without being planted: {problem.endpoint} {problem.title}" for problem in found]
    excused = {excuse.path for excuse in evidence.excuses}
    wrong += [f"{path} differs in every pair and was not seen to be excused" for path in NOISE if path not in excused]
    if evidence.ledger.on_its_way:
        wrong.append(f"{evidence.ledger.on_its_way} exchanges are unaccounted for")
    if users.errors:
        wrong.append(f"{users.errors} users got an error from the primary: {users.first_error}")
    return wrong

"""The first act: v2 runs beside v1 with three bugs planted in it; the report names them, and v2 is rolled back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import psycopg
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import connect
from darklaunch_shared.redis.publish import publish_launch

from darklaunch_console.launches.change import current_actor
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import VerdictAnswer, read_judged_launch
from darklaunch_console.reports.verdict_text import describe_verdict, list_details

from .expected import LAUNCH
from .load import LoadSummary
from .narrator import DemoNarrator
from .stage import DemoStage, wait_until
from .traffic import plan_visits

VISITS: Final = 1000
PER_S: Final = 75.0
POPULAR: Final = 3
VERDICT_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class FirstActResult:
    """The evidence about v2, the verdict's answer, and what the shop's users saw."""

    evidence: ReportEvidence
    answer: VerdictAnswer
    users: LoadSummary


def find_regressions(stage: DemoStage, narrator: DemoNarrator) -> FirstActResult:
    """Run v2 beside v1 until there is a verdict.

    Raises ConsoleError when a process of the demo ends, or there is no verdict in time.
    """
    primary, shadow = stage.open_shop("v1"), stage.open_shop("v2")
    narrator.tell("Act 1. v2, the shop's next release, has three bugs that nobody noticed.", style="bold", indent="")
    narrator.tell(f"Users are served by v1 at {primary}. Each read is also sent")
    narrator.tell(f"to v2 at {shadow}, and the responses are compared.")
    stage.start_launch(LAUNCH, shadow, 100.0, JudgePolicy())
    users = stage.send_visitors(LAUNCH, primary, plan_visits(stage.shop, VISITS, POPULAR), PER_S, narrator)
    stage.start_shop("v3", "v3")  # for the second act, while this one ends
    stage.restart_shop("v1")  # a hook that ends reports its last counts
    stage.wait_for_outcomes(LAUNCH, narrator, users)
    with psycopg.connect(stage.servers.postgres_url, autocommit=True) as connection:

        def is_decided() -> bool:
            return read_judged_launch(connection, LAUNCH).answer is not VerdictAnswer.UNDECIDED

        wait_until(is_decided, VERDICT_S, "the judge came to no verdict about v2")
        judged = read_judged_launch(connection, LAUNCH)
        verdict = (describe_verdict(judged), *list_details(judged))
        evidence = replace(gather_evidence(connection, LAUNCH), verdict=verdict)
    return FirstActResult(evidence, judged.answer, users)


def roll_back(stage: DemoStage) -> None:
    """Roll v2 back as the judge advised, the way `darklaunch rollback` does."""
    redis = connect(stage.servers.redis_url, client_name="darklaunch-demo")
    try:
        with psycopg.connect(stage.servers.postgres_url) as connection:
            act = LaunchAct(current_actor(), "rolled_back", "as the judge advised")
            record = update_launch(connection, LAUNCH, act, status=LaunchStatus.ROLLED_BACK, hold=True)
        publish_launch(redis, record.state, lift_hold=False)
    finally:
        redis.close()

"""The first act: v2 beside v1, three regressions planted in it. The judge advises, the report says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import psycopg
from darklaunch_comparator.control.publish import publish_launch
from darklaunch_comparator.judging.policy import JudgePolicy
from darklaunch_comparator.store.launches import LaunchAct, update_launch
from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.redis.client import connect

from darklaunch_console.launches.change import current_actor
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import VerdictAnswer, describe_verdict, list_details, read_judged_launch

from .expected import LAUNCH
from .load import LoadSummary
from .stage import DemoNarrator, DemoStage, wait_until
from .traffic import plan_visits

VISITS: Final = 1000
PER_S: Final = 75.0
POPULAR: Final = 3
VERDICT_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class FirstActResult:
    """What came out: the evidence, the judge's answer, and what the shop's users saw."""

    evidence: ReportEvidence
    answer: VerdictAnswer
    users: LoadSummary


def find_regressions(stage: DemoStage, tell: DemoNarrator) -> FirstActResult:
    """Play it. Raises ConsoleError when a process fails, or the judge does not come to a verdict."""
    users_see, shadow = stage.opened("v1"), stage.opened("v2")
    tell.say(
        f"v1 serves users at {users_see}, with the capture hook. v2 runs beside it at {shadow}, and a second "
        f"v1 at {stage.control}: what two v1 do not share is noise."
    )
    stage.begin(LAUNCH, shadow, 100.0, JudgePolicy())
    tell.say(f"Launch {LAUNCH}: every read is mirrored, to show all in seconds (the default is 10 %).")
    users = stage.visit(LAUNCH, users_see, plan_visits(stage.shop, VISITS, POPULAR), PER_S, tell)
    stage.enter_shop("v3", "v3")  # for the second act, while this one ends
    stage.enter_shop("v1 again", "v1")
    stage.leave("v1")
    stage.settle(LAUNCH, tell, users)
    with psycopg.connect(stage.servers.postgres_url, autocommit=True) as connection:

        def decided() -> bool:
            return read_judged_launch(connection, LAUNCH).answer is not VerdictAnswer.UNDECIDED

        wait_until(decided, VERDICT_S, "the judge came to no verdict about v2")
        found = read_judged_launch(connection, LAUNCH)
        evidence = replace(gather_evidence(connection, LAUNCH), verdict=(describe_verdict(found), *list_details(found)))
    return FirstActResult(evidence, found.answer, users)


def roll_back(stage: DemoStage) -> None:
    """Do as the judge advised, as `darklaunch rollback` does, and end v2."""
    redis = connect(stage.servers.redis_url, client_name="darklaunch-demo")
    try:
        with psycopg.connect(stage.servers.postgres_url) as connection:
            act = LaunchAct(current_actor(), "rolled_back", "as the judge advised")
            record = update_launch(connection, LAUNCH, act, status=LaunchStatus.ROLLED_BACK, hold=True)
        publish_launch(redis, record, lift_hold=False)
    finally:
        redis.close()
    stage.leave("v2")

"""The second act: v3, with the bugs repaired, is ramped up and promoted by the judge, in a time-lapse.

Everything is real except the limits: the policy asks for less than that of your launch should.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

import psycopg
from darklaunch_comparator.judging.policy import FailureBudgets, JudgeMode, JudgePolicy, RampStep
from darklaunch_comparator.leader.judge_actions import ACTOR
from darklaunch_comparator.store.launches import LaunchEvent, list_events
from darklaunch_shared.launch.spec import LaunchStatus

from darklaunch_console.output.numbers import format_count, format_percent, format_seconds
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import read_judged_launch
from darklaunch_console.reports.verdict_text import describe_verdict, list_details

from .load import LoadSummary
from .narrator import DemoNarrator
from .stage import Connection, DemoStage
from .traffic import plan_visits

LAUNCH: Final = "shop-v3"
PER_S: Final = 120.0
LIMIT_S: Final = 240.0
POLICY: Final = JudgePolicy(
    mode=JudgeMode.AUTO,
    budgets=FailureBudgets(mismatch=0.005, error=0.005, slow=0.005),
    latency_tolerance=5.0,
    steps=(RampStep(1, 0.6, 5), RampStep(10, 0.05, 50), RampStep(50, 0.01, 250), RampStep(100, 0.005, 500)),
    soak_s=3.0,
    endpoint_bound=0.05,
)
_ENDINGS: Final = ("promoted", "rolled_back")


@dataclass(frozen=True, slots=True)
class SecondActResult:
    """The evidence about v3, the shares that were mirrored one after another, who ended it, and what users saw."""

    evidence: ReportEvidence
    shares: tuple[float, ...]
    ended_by: str
    users: LoadSummary


def ramp_up(stage: DemoStage, narrator: DemoNarrator) -> SecondActResult:
    """Run v3 beside v1 until the judge ends the launch, or for four minutes.

    Raises ConsoleError when a process of the demo ends.
    """
    primary, shadow = stage.open_shop("v1"), stage.open_shop("v3")
    for line in introduce():
        narrator.tell(
            line, style="bold" if line.startswith("Act") else "", indent="" if line.startswith("Act") else "  "
        )
    stage.start_launch(LAUNCH, shadow, POLICY.steps[0].percent, POLICY)
    began_s = time.monotonic()
    told = 0

    def is_over(connection: Connection) -> bool:
        nonlocal told
        events = list_events(connection, LAUNCH, 100)[::-1]
        for event in events[told:]:
            if event.act in ("ramped", *_ENDINGS):
                narrator.tell(describe_event(event, time.monotonic() - began_s), indent="    ")
        told = len(events)
        return any(event.act in _ENDINGS for event in events)

    visits = plan_visits(stage.shop, round(PER_S * LIMIT_S))
    users = stage.send_visitors(LAUNCH, primary, visits, PER_S, narrator, is_over)
    stage.restart_shop("v1")  # a hook that ends reports its last counts
    stage.wait_for_outcomes(LAUNCH, narrator, users)
    with psycopg.connect(stage.servers.postgres_url, autocommit=True) as connection:
        judged = read_judged_launch(connection, LAUNCH)
        verdict = (describe_verdict(judged), *list_details(judged))
        evidence = replace(gather_evidence(connection, LAUNCH), verdict=verdict)
        events = list_events(connection, LAUNCH, 100)[::-1]
    raised = [_read_shares(event)["to"] for event in events if event.act == "ramped"]
    ended_by = [event.actor for event in events if event.act in _ENDINGS]
    return SecondActResult(evidence, (POLICY.steps[0].percent, *raised), ended_by[-1] if ended_by else "", users)


def introduce() -> list[str]:
    """Return the lines that say what will happen, and how much less the judge asks for here than by default."""
    here_s, usual_s = format_seconds(POLICY.soak_s), format_seconds(JudgePolicy().soak_s)
    return [
        "Act 2. v3 has the bugs repaired. Now the judge decides, without people.",
        "It raises the share of the reads that v3 gets, and promotes v3 if all is well.",
        f"In a time-lapse: each step takes at least {here_s} here and {usual_s} by default.",
    ]


def describe_event(event: LaunchEvent, after_s: float) -> str:
    """Return what the judge did and when: `15 s  1 % → 10 %, after 15 comparisons`."""
    at = format_seconds(round(after_s))
    judged = format_count(float(str(event.data["judged"])))
    if event.act == "ramped":
        shares = _read_shares(event)
        act = f"{format_percent(shares['from'])} → {format_percent(shares['to'])}"
    else:
        act = event.act.replace("_", " ")
    return f"after {at:>10}: {act:<12} ({judged} comparisons)"


def find_mistakes(ramped: SecondActResult) -> list[str]:
    """Return what came out other than it should; empty when the judge promoted v3 step by step."""
    evidence, users = ramped.evidence, ramped.users
    mistakes: list[str] = []
    if evidence.record.state.status is not LaunchStatus.PROMOTED:
        mistakes.append(f"v3 was not promoted within {LIMIT_S:g} s: {evidence.verdict[0]}")
    elif ramped.ended_by != ACTOR:
        mistakes.append(f"v3 was promoted by {ramped.ended_by}, not by the judge")
    if ramped.shares != tuple(step.percent for step in POLICY.steps[: len(ramped.shares)]):
        shares = ", ".join(format_percent(share) for share in ramped.shares)
        mistakes.append(f"the share was raised in other steps: {shares}")
    mistakes += [f"reported in v3, which has none: {bug.endpoint} {bug.title}" for bug in evidence.problems]
    if evidence.ledger.on_its_way:
        mistakes.append(f"{evidence.ledger.on_its_way} exchanges of v3 are unaccounted for")
    if users.errors:
        mistakes.append(f"{users.errors} users got an error from the primary: {users.first_error}")
    return mistakes


def _read_shares(event: LaunchEvent) -> Mapping[str, float]:
    """Return the shares, in percent, `from` and `to`, of an event `ramped`."""
    return cast(Mapping[str, float], event.data["percent"])

"""The second act: v3, with the regressions repaired, is ramped up and promoted by the judge, in a time-lapse.

Everything is real but the patience: the policy asks for less than a launch of yours should, and is printed.
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

from darklaunch_console.output.numbers import format_count, format_decimal, format_percent, format_seconds, format_share
from darklaunch_console.output.table import render_table
from darklaunch_console.reports.evidence import ReportEvidence, gather_evidence
from darklaunch_console.reports.judgement import describe_verdict, list_details, read_judged_launch

from .load import LoadSummary
from .stage import JUDGE_GRACE_S, DemoNarrator, DemoStage
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


@dataclass(frozen=True, slots=True)
class SecondActResult:
    """What came out: the evidence, the shares that were mirrored one after another, who ended it, what users saw."""

    evidence: ReportEvidence
    shares: tuple[float, ...]
    ended_by: str
    users: LoadSummary


def promote(stage: DemoStage, tell: DemoNarrator) -> SecondActResult:
    """Play it. Raises ConsoleError when a process fails; a launch that is not promoted in time is told as it is."""
    users_see, shadow = stage.opened("v1 again"), stage.opened("v3")
    for line in policy_lines():
        tell.say(line)
    stage.begin(LAUNCH, shadow, POLICY.steps[0].percent, POLICY)
    began_s = time.monotonic()
    told = 0

    def over(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        nonlocal told
        events = list_events(connection, LAUNCH, 100)[::-1]
        for event in events[told:]:
            if event.act in ("ramped", "promoted", "rolled_back"):
                at = format_seconds(round(time.monotonic() - began_s))
                tell.say(
                    f"  {at:>10}  {_act(event)}, {format_count(float(str(event.data['judged'])))} exchanges judged"
                )
        told = len(events)
        return any(event.act in ("promoted", "rolled_back") for event in events)

    visits = plan_visits(stage.shop, round(PER_S * LIMIT_S))
    users = stage.visit(LAUNCH, users_see, visits, PER_S, tell, over)
    stage.leave("v1 again")
    stage.settle(LAUNCH, tell, users)
    with psycopg.connect(stage.servers.postgres_url, autocommit=True) as connection:
        found = read_judged_launch(connection, LAUNCH)
        evidence = replace(gather_evidence(connection, LAUNCH), verdict=(describe_verdict(found), *list_details(found)))
        events = list_events(connection, LAUNCH, 100)[::-1]
    raised = [cast(Mapping[str, float], event.data["percent"]) for event in events if event.act == "ramped"]
    shares = (POLICY.steps[0].percent, *(each["to"] for each in raised))
    ended = [event.actor for event in events if event.act in ("promoted", "rolled_back")]
    return SecondActResult(evidence, shares, ended[-1] if ended else "", users)


def _act(event: LaunchEvent) -> str:
    if event.act == "ramped":
        raised = cast(Mapping[str, float], event.data["percent"])
        return f"{event.actor}: {format_percent(raised['from'])} → {format_percent(raised['to'])}"
    return f"{event.actor}: {event.act.replace('_', ' ')}"


def find_mistakes(ramped: SecondActResult) -> list[str]:
    """Say where it came out otherwise than told; empty when it came out as told."""
    evidence, users = ramped.evidence, ramped.users
    wrong: list[str] = []
    if evidence.record.state.status is not LaunchStatus.PROMOTED:
        wrong.append(f"v3 was not promoted within {LIMIT_S:g} s: {evidence.verdict[0]}")
    elif ramped.ended_by != ACTOR:
        wrong.append(f"v3 was promoted by {ramped.ended_by}, not by the judge")
    if ramped.shares != tuple(step.percent for step in POLICY.steps[: len(ramped.shares)]):
        wrong.append(
            f"the share was raised in other steps: {', '.join(format_percent(each) for each in ramped.shares)}"
        )
    wrong += [f"reported in v3, which has none: {each.endpoint} {each.title}" for each in evidence.problems]
    if evidence.ledger.on_its_way:
        wrong.append(f"{evidence.ledger.on_its_way} exchanges of v3 are unaccounted for")
    if users.errors:
        wrong.append(f"{users.errors} users got an error from the primary: {users.first_error}")
    return wrong


def policy_lines() -> list[str]:
    """Say by what v3 is judged, and that it is less than usual."""
    usual = JudgePolicy()
    steps = zip(POLICY.steps, usual.steps, strict=True)
    rows = [
        [
            f"  {format_percent(step.percent)}",
            format_count(step.minimum),
            format_share(step.bound),
            format_count(other.minimum),
            format_share(other.bound),
        ]
        for step, other in steps
    ]
    head = ["  share", "exchanges judged", "failures below", "usual:", ""]
    rest = (
        ("each step lasts", f"{POLICY.soak_s:g} s", format_seconds(usual.soak_s)),
        ("budgets", format_share(POLICY.budgets.mismatch), format_share(usual.budgets.mismatch)),
        ("each endpoint's mismatches below", format_share(POLICY.endpoint_bound), format_share(usual.endpoint_bound)),
        (
            "latency, of the primary's, at most",
            *(f"{format_decimal(each.latency_tolerance, 2)} times" for each in (POLICY, usual)),
        ),
        ("windows are judged after", f"{JUDGE_GRACE_S:g} s", "10 s"),
    )
    return [
        f"v3 has them repaired. Launch {LAUNCH}, --ramp auto: the judge raises the share, and promotes, by itself.",
        "In a time-lapse: its policy asks for less than yours should, for all of this shares one machine and a minute.",
        *render_table(head, rows),
        *(f"  {what} {here} (usual: {there})" for what, here, there in rest),
    ]

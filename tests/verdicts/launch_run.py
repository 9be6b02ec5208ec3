"""One row, run: its processes, its launch, its visitors, until the verdict is there or cannot come any more."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from darklaunch_comparator.judging.policy_file import dump_policy_json
from darklaunch_comparator.store.launches import LaunchEvent, list_events
from darklaunch_console.demo.processes import DemoProcess
from darklaunch_console.reports.judgement import JudgedLaunch, read_judged_launch
from darklaunch_console.reports.verdict_text import describe_verdict
from darklaunch_shared.launch.spec import LaunchStatus

from tests.support.cli import closed_port

from .release import ServedRelease
from .row import Ending, Row, Setting
from .stage import START_S, Connection, Stage, keep_busy, wait_until
from .traffic import Visitors

LOOK_EVERY_S = 0.5


@dataclass(slots=True)
class LaunchRun:
    """What came of a row.

    sentences  every first sentence of the verdict, once, in order
    judged     exchanges judged when it was over
    seconds    from the start of the launch until then
    report     what `darklaunch report` printed at the end
    started    what `darklaunch start` printed
    sent_again exchanges that came again after the shadow had reset their connection, where it counts
    error_share share of the replays without a response
    problems   in what the row is not as it must be
    """

    row: Row
    sentences: list[str] = field(default_factory=list)
    judged: int = 0
    seconds: float = 0.0
    ended_by: str = ""
    report: str = ""
    started: str = ""
    sent_again: int = 0
    error_share: float = 0.0
    sent: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The first sentence of the verdict at the end."""
        return self.sentences[-1] if self.sentences else ""

    @property
    def ending(self) -> str:
        """The verdict at the end, in lower case."""
        return self.sentence.partition(":")[0].lower()


async def run_launch(stage: Stage, row: Row, name: str) -> LaunchRun:
    """Run a row to its end, under a name of its own."""
    run = LaunchRun(row)
    with ExitStack() as exits:
        primary, shadow, control = await asyncio.to_thread(_start_servers, stage, exits, row, name)
        visitors = Visitors(primary, row.mix, row.per_s, seed=name)
        sending = asyncio.create_task(visitors.run())
        try:
            await wait_until(lambda: stage.sees_app(name), START_S, "the hook was not seen on Redis")
            if row.is_idle:
                visitors.stop()
                await sending
            run.started = await asyncio.to_thread(_start_launch, stage, row, name, shadow[1], control)
            if row.busy:
                exits.enter_context(keep_busy(2))
            await _follow(stage, run, name, visitors, shadow[0])
        finally:
            visitors.stop()
            await sending
        run.sent = visitors.sent
        ledger = json.loads((await asyncio.to_thread(stage.run_command, "report", name, "--json")).stdout)["ledger"]
        replays = ledger["shadow_error"] + ledger["matched"] + ledger["mismatched"] + ledger["ignored"]
        run.error_share = ledger["shadow_error"] / replays if replays else 0.0
        run.report = (await asyncio.to_thread(stage.run_command, "report", name)).output
        if shadow[0] is not None:
            log = shadow[0].log.read_text(errors="replace")
            run.sent_again = sum(line.startswith("again ") for line in log.splitlines())
        if visitors.failed and row.primary.wrong != "status":
            run.problems.append(f"{visitors.failed} users got an error")
        await asyncio.to_thread(exits.close)
    run.problems += list_problems(run)
    return run


def list_problems(run: LaunchRun) -> list[str]:
    """Return in what a row differs from its truth."""
    truth = run.row.truth
    problems: list[str] = []
    undecided = ("keep watching", "not judged", "insufficient traffic")
    expected = {
        Ending.NOT_PROMOTED: ("rolled back", *undecided),
        Ending.NOT_ROLLED_BACK: ("promoted", *undecided),
    }
    if run.ending.removesuffix(" by judge") not in expected.get(truth.ending, (truth.ending.value,)):
        problems.append(f"must be {truth.ending}")
    if run.judged > truth.within and truth.ending in (Ending.PROMOTED, Ending.ROLLED_BACK):
        problems.append(f"must be so within {truth.within:,} exchanges")
    said = run.sentences[:-1]
    problems += [f"the verdict must name {truth.endpoint}"] * (truth.endpoint not in run.sentence)
    problems += [f"the verdict must say {words!r}" for words in truth.says if words not in run.sentence]
    problems += [f"must have said {truth.warns!r} before"] * (not any(truth.warns in each for each in [*said, ""]))
    problems += [f"said {w!r}: {s}" for w in truth.never_says for s in run.sentences if w in s]
    report = " ".join(run.report.split())
    problems += [f"the report must say {words!r}" for words in truth.reports if words not in report]
    if truth.ending is Ending.ROLLED_BACK and "no problem" in report.lower():
        problems.append("the report says that there is no problem")
    if not truth.errors[0] <= run.error_share <= truth.errors[1]:
        problems.append(f"{run.error_share:.0%} of the replays had no response")
    if run.sent_again:
        problems.append(f"{run.sent_again} exchanges were sent to the shadow again")
    return problems


def _start_servers(
    stage: Stage, exits: ExitStack, row: Row, name: str
) -> tuple[str, tuple[DemoProcess | None, str], str]:
    has_hook = row.setting in (Setting.HOOK, Setting.HOOK_AND_BASELINE)
    shadow: tuple[DemoProcess | None, str] = (None, f"http://127.0.0.1:{closed_port()}")
    if not row.dead:
        served = ServedRelease(release=row.shadow, has_hook=has_hook, server=row.server)
        shadow = stage.serve(exits, f"{name}-shadow", served)
    control = ""
    if row.setting in (Setting.BASELINE, Setting.HOOK_AND_BASELINE):
        served = ServedRelease(release=row.primary, has_hook=has_hook, server=row.server)
        _, control = stage.serve(exits, f"{name}-baseline", served)
    served = ServedRelease(release=row.primary, app_name=name, redis_url=stage.redis_url, server=row.server)
    _, primary = stage.serve(exits, f"{name}-primary", served)
    return primary, shadow, control


def _start_launch(stage: Stage, row: Row, name: str, shadow: str, control: str) -> str:
    policy = stage.directory / f"{name}.json"
    policy.write_text(dump_policy_json(row.policy))
    options = ("--control", control) if control else ()
    result = stage.run_command(
        "start", name, "--app", name, "--shadow", shadow, "--policy", str(policy),
        "--ramp", row.policy.mode.value, *options, *row.options,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return result.output


async def _follow(stage: Stage, run: LaunchRun, name: str, visitors: Visitors, shadow: DemoProcess | None) -> None:
    """Look at the launch twice a second until it has ended, enough is judged, or its time is over."""
    row, truth = run.row, run.row.truth
    began_s = time.monotonic()
    is_alive = True
    connection = await asyncio.to_thread(stage.connect)
    try:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            judged, events = await asyncio.to_thread(_look, connection, name)
            sentence = describe_verdict(judged)
            if not run.sentences or run.sentence != sentence:
                run.sentences.append(sentence)
            run.judged = int(judged.summary.get("judged", 0))
            run.seconds = time.monotonic() - began_s
            if shadow and is_alive and row.dies_after and run.judged >= row.dies_after:
                is_alive = False
                await asyncio.to_thread(shadow.stop)
            if judged.state.status in (LaunchStatus.PROMOTED, LaunchStatus.ROLLED_BACK):
                ending = events[0]
                run.seconds = (ending.at - events[-1].at).total_seconds()
                run.ended_by = ending.actor
                return
            may_go_on = truth.ending in (Ending.NOT_JUDGED, Ending.NOT_PROMOTED, Ending.NOT_ROLLED_BACK)
            is_enough = may_go_on and run.judged >= truth.within
            if is_enough or run.judged > truth.within * 1.5 or run.seconds > row.limit_s:
                return
    finally:
        await asyncio.to_thread(connection.close)


def _look(connection: Connection, name: str) -> tuple[JudgedLaunch, list[LaunchEvent]]:
    return read_judged_launch(connection, name), list_events(connection, name, 1000)

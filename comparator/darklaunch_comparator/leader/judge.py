"""The judge: a duty of the leader that reads closed windows of each launch, decides, and does what the policy allows.

Everything is read and written in one transaction over the connection that holds the leader's lock: a judge that lost it
decides nothing. What it has read, what it knows and what it did are committed together, so that one that is killed goes
on exactly where the last one stood. An act is made on the launch's revision that was judged; when somebody changed the
launch meanwhile, nothing is done, and the next look decides anew.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from darklaunch_comparator.errors import BadPolicy, LaunchChanged
from darklaunch_comparator.judging.beyond_noise import over_noise
from darklaunch_comparator.judging.decision import JudgeMove
from darklaunch_comparator.judging.fingerprint import basis_of, rules_digest
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.policy_file import check_policy, read_document
from darklaunch_comparator.judging.summary import snapshot
from darklaunch_comparator.judging.window import WINDOW_MS, JudgedExchange, window_of
from darklaunch_comparator.store.judgements import (
    JudgeState,
    load_build_trials,
    lock_judge_state,
    save_judge_state,
    start_judge_state,
)
from darklaunch_comparator.store.launches import LaunchRecord, list_launches
from darklaunch_comparator.store.noise import read_doubtful_signatures, read_paired_places
from darklaunch_comparator.store.signatures import read_latest_restart

from .judge_actions import JudgeActions, publish_if_possible
from .judge_windows import GRACE_MS, closed_until_ms, oldest_on_its_way_ms, read_windows

SPAN_MS: Final = 600_000
SAVE_MS: Final = 60_000
"""How far time may pass without anything to judge before that is written down."""
PATIENCE_S: Final = 2.0
"""How long one launch may be read at a time, so that a long catching up keeps nobody waiting."""

log = logging.getLogger("darklaunch.comparator")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class JudgeTurn:
    """One look at one launch: what it is judged by, and now (epoch ms)."""

    record: LaunchRecord
    policy: JudgePolicy
    now_ms: int


class Judge:
    """Judges every launch that is under way. `retention_days` is how long results are kept, `now_ms` its clock."""

    def __init__(self, retention_days: int, *, grace_ms: int = GRACE_MS, now_ms: Callable[[], int] = _wall_ms) -> None:
        self._retention_s, self._grace_ms, self._now_ms = retention_days * 86_400.0, grace_ms, now_ms
        self._troubles: dict[str, str] = {}

    def attend(self, connection: Connection[Any], redis: RedisClient) -> None:
        """Look at every launch once. Raises psycopg.Error and RedisError."""
        for record in list_launches(connection):
            if record.state.status not in (LaunchStatus.ACTIVE, LaunchStatus.PAUSED):
                continue
            name, trouble = record.state.name, ""
            try:
                self.judge(connection, redis, record)
            except BadPolicy as broken:
                trouble = str(broken)
            except LaunchChanged:
                log.info("launch %s: changed while it was judged; it is judged again", name)
            if trouble and trouble != self._troubles.get(name):
                log.error("launch %s is not judged: %s", name, trouble)
            self._troubles[name] = trouble

    def judge(self, connection: Connection[Any], redis: RedisClient, record: LaunchRecord) -> None:
        """Look at one launch: read what is closed, decide, act. Raises BadPolicy and LaunchMoved."""
        policy = check_policy(read_document(record.state.spec.policy), retention_s=self._retention_s)
        sitting = JudgeTurn(record, policy, self._now_ms())
        oldest_ms = oldest_on_its_way_ms(redis, record)
        closed_ms = closed_until_ms(sitting.now_ms, oldest_ms, record.state.spec, self._grace_ms)
        acting = JudgeActions(connection, redis, record, policy)
        with connection.transaction():
            docket = self._docket(connection, sitting)
            before_ms = docket.judged_until_ms
            self._hear(connection, docket, sitting, closed_ms, acting)
            if docket.changed or docket.judged_until_ms - before_ms >= SAVE_MS:
                save_judge_state(connection, docket, _summary(docket, sitting))
        if acting.done is not None:
            crash_point("judge.committed")
            publish_if_possible(redis, acting.done)

    def _docket(self, connection: Connection[Any], sitting: JudgeTurn) -> JudgeState:
        """Read the docket, or begin one: for a new launch, under other rules, or after people overruled a verdict."""
        state = sitting.record.state
        basis = basis_of(state.spec, sitting.policy, read_latest_restart(connection, state.name))
        docket = lock_judge_state(connection, state.name)
        if docket is None:
            since_ms = window_of(round(sitting.record.created_at.timestamp() * 1000))
            docket = _begun(sitting, 1, basis, since_ms, since_ms)
        elif docket.basis != basis or docket.ended:  # it goes on although the judge had ended it
            since_ms = window_of(sitting.now_ms) + WINDOW_MS
            docket = _begun(sitting, docket.trial + 1, basis, since_ms, max(docket.judged_until_ms, since_ms))
            docket.case = replace(docket.case, before=read_paired_places(connection, state.name))
        else:
            self._follow(docket, sitting)
            return docket
        start_judge_state(connection, docket)
        return docket

    def _follow(self, docket: JudgeState, sitting: JudgeTurn) -> None:
        """Take up the step of the ramp that people raised or lowered the share to."""
        step = sitting.policy.step_at(sitting.record.state.percent)
        if sitting.policy.mode is JudgeMode.AUTO and step != docket.case.progress.step:
            docket.case, docket.changed = docket.case.at_step(step, sitting.now_ms, sitting.policy), True

    def _hear(
        self, connection: Connection[Any], docket: JudgeState, sitting: JudgeTurn, closed_ms: int, acting: JudgeActions
    ) -> None:
        """Take in closed windows one after another, with what each leads to, until an act ends the sitting.

        A window with mismatches that may yet turn out to be noise waits, and all after it.
        """
        until_s = time.monotonic() + PATIENCE_S
        self._consider(docket, sitting, acting)
        doubtful = self._doubtful(connection, sitting)
        while docket.judged_until_ms < closed_ms and not acting.done and time.monotonic() < until_s:
            span_end_ms = min(closed_ms, docket.judged_until_ms + SPAN_MS)
            windows, end_ms = read_windows(connection, docket.launch, docket.judged_until_ms, span_end_ms, doubtful)
            wait = end_ms == span_end_ms and docket.case.trial(sitting.policy).condemned is None
            for number, (start_ms, seen) in enumerate(windows):
                if wait and any(each.doubtful for each in seen):
                    if self._condemned_anyway(connection, docket, sitting, windows[number:]):
                        self._consider(docket, sitting, acting)
                    return
                take_in(connection, docket, sitting, start_ms, seen)
                crash_point("judge.window_added")
                self._consider(docket, sitting, acting)
                if acting.done:
                    return
            docket.judged_until_ms = end_ms

    def _doubtful(self, connection: Connection[Any], sitting: JudgeTurn) -> frozenset[str]:
        state = sitting.record.state
        if not (state.spec.compare and state.spec.noise_percent > 0):
            return frozenset()
        return read_doubtful_signatures(connection, state.name, sitting.now_ms)

    def _condemned_anyway(
        self,
        connection: Connection[Any],
        docket: JudgeState,
        sitting: JudgeTurn,
        windows: list[tuple[int, list[JudgedExchange]]],
    ) -> bool:
        """Take in windows that wait if they condemn the launch even where all that is in doubt is noise.

        That evidence is never more than it will be when the doubt has ended, so that looking ahead costs nothing.
        """
        ahead = replace(docket)
        for start_ms, seen in windows:
            sure = [replace(each, mismatched=each.mismatched and not each.doubtful) for each in seen]
            take_in(connection, ahead, sitting, start_ms, sure)
            if ahead.case.trial(sitting.policy).condemned is not None:
                docket.case, docket.builds, docket.changed = ahead.case, ahead.builds, True
                docket.judged_until_ms = ahead.judged_until_ms
                return True
        return False

    def _consider(self, docket: JudgeState, sitting: JudgeTurn, acting: JudgeActions) -> None:
        """Record a verdict that changed, and make the move that the evidence asks for if the policy lets the judge."""
        state, before = sitting.record.state, docket.case.verdict
        decision = docket.case.decide(sitting.policy)
        about = {"basis": docket.basis, "rules": rules_digest(state.spec), "trial": docket.trial}
        if decision.verdict is not before:
            docket.case, docket.changed = docket.case.decided(decision.verdict), True
            acting.note(before, decision, docket.case, about)
        if decision.move is None or decision.by_hand or state.hold:
            return
        if state.status is not LaunchStatus.ACTIVE and decision.move is not JudgeMove.ROLL_BACK:
            return
        acting.make(decision, docket.case, about)
        crash_point("judge.hold_set")
        docket.changed = True
        if decision.move is JudgeMove.RAISE:
            docket.case = docket.case.at_step(docket.case.progress.step + 1, sitting.now_ms, sitting.policy)
        else:
            docket.ended = True


def take_in(
    connection: Connection[Any], docket: JudgeState, sitting: JudgeTurn, start_ms: int, seen: list[JudgedExchange]
) -> None:
    """Add one window to what is known; of a launch that is condemned, where it differs more than by noise."""
    load_build_trials(connection, docket, {each.build for each in seen if each.build in docket.builds})
    was, policy = docket.case, sitting.policy
    docket.case = was.after(seen, policy, frozenset(docket.builds))
    if docket.builds and docket.case.build != was.build:
        docket.case = replace(docket.case, before=read_paired_places(connection, docket.launch))
    condemned = docket.case.trial(policy).condemned
    if condemned is not None and not condemned.places:
        places = over_noise(read_paired_places(connection, docket.launch), docket.case.before, policy.alpha)
        docket.case = docket.case.naming(places, policy) if places else docket.case
    docket.builds = sorted({*docket.builds, *docket.case.trials})
    docket.judged_until_ms, docket.changed = start_ms + WINDOW_MS, True


def _begun(sitting: JudgeTurn, trial: int, basis: str, since_ms: int, until_ms: int) -> JudgeState:
    state = sitting.record.state
    step = sitting.policy.step_at(state.percent) if sitting.policy.mode is JudgeMode.AUTO else 0
    case = LaunchEvidence().at_step(step, since_ms, sitting.policy)
    return JudgeState(state.name, trial, basis, since_ms, until_ms, False, [], case, changed=True)


def _summary(docket: JudgeState, sitting: JudgeTurn) -> dict[str, Any]:
    decision = docket.case.decide(sitting.policy)
    rules = rules_digest(sitting.record.state.spec)
    return {**snapshot(docket.case, decision, sitting.policy), "trial": docket.trial, "rules": rules}

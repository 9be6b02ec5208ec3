"""One turn of the judge at one launch: read closed windows, add them to the evidence, decide, act.

Everything is read and written in one transaction over the connection that holds the leader's lock, so that a judge that
lost the lock decides nothing. What was read, what is known and what was done are committed together: after a crash the
next judge continues exactly where this one stood. An action applies only to the revision of the launch that was judged;
if somebody changed the launch meanwhile, nothing is done, and the next turn decides again.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from darklaunch_shared.launch.spec import LaunchStatus
from darklaunch_shared.process.crash_points import crash_point
from darklaunch_shared.redis.client import RedisClient
from psycopg import Connection

from darklaunch_comparator.judging.beyond_noise import find_places_beyond_noise
from darklaunch_comparator.judging.decision import JudgeDecision, JudgeMove
from darklaunch_comparator.judging.fingerprint import fingerprint_rules
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import Guard, JudgePolicy
from darklaunch_comparator.judging.summary import summarize_judgement
from darklaunch_comparator.judging.window import WINDOW_MS
from darklaunch_comparator.store.amendments import NO_AMENDMENTS, read_amendments
from darklaunch_comparator.store.judge_state import JudgeState, load_builds, save_judge_state
from darklaunch_comparator.store.judgements import read_example
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.noise import (
    NO_DOUBT,
    DoubtfulMismatches,
    read_doubtful_signatures,
    read_paired_places,
    restart_noise,
)

from .evidence_rebuild import EvidenceRebuilds
from .judge_actions import JudgeActions
from .judge_attempts import DELAY_MS, weigh_attempts
from .judge_round import follow_outage, load_round
from .judge_windows import SPAN_MS, JudgedWindow, read_windows

SAVE_MS: Final = 60_000
"""How far time may pass without anything to judge before that is saved."""
_EXAMPLE_OUTCOMES: Final = {Guard.MISMATCH: "mismatched", Guard.ERROR: "shadow_error"}
MAX_TURN_S: Final = 2.0
"""How long a turn may read on, so that a launch with much to catch up does not delay the others."""


class JudgeTurn:
    """One turn at one launch. `now_ms` is the time, epoch ms; `count_in_flight` counts exchanges workers are at.

    `rebuilds` outlives the turn.
    """

    def __init__(
        self,
        connection: Connection[Any],
        redis: RedisClient,
        record: LaunchRecord,
        policy: JudgePolicy,
        *,
        now_ms: int,
        count_in_flight: Callable[[], int],
        rebuilds: EvidenceRebuilds,
    ) -> None:
        self._connection = connection
        self._record = record
        self._launch = record.state
        self._policy = policy
        self._now_ms = now_ms
        self._count_in_flight = count_in_flight
        self._rebuilds = rebuilds
        self._doubtful = NO_DOUBT
        self._amendments = NO_AMENDMENTS
        self._actions = JudgeActions(connection, redis, record, policy)

    def run(self, closed_until_ms: int) -> LaunchRecord | None:
        """Judge the windows that end before `closed_until_ms`. Return the launch if an action changed it.

        Raises LaunchChanged, psycopg.Error and RedisError.
        """
        until_s = time.monotonic() + MAX_TURN_S
        with self._connection.transaction():
            self._amendments = read_amendments(self._connection, self._launch.name)
            state = load_round(
                self._connection, self._record, self._policy, amendments=self._amendments, now_ms=self._now_ms
            )
            before_ms = state.judged_until_ms
            failed_before = state.evidence.outage.counts.failed
            follow_outage(self._connection, state, self._now_ms)
            self._doubtful = self._read_doubtful(state)
            if self._bring_up_to_date(state, until_s):
                self._judge_windows(state, closed_until_ms, until_s)
                if state.evidence.outage.counts.failed > failed_before and closed_until_ms <= self._now_ms - DELAY_MS:
                    self._weigh_attempts(state)
            elif state.evidence.outage.asks_for_rollback:
                self._decide_and_act(state)
            if state.changed or state.judged_until_ms - before_ms >= SAVE_MS:
                save_judge_state(self._connection, state, self._summarize(state))
        return self._actions.changed_launch

    def _bring_up_to_date(self, state: JudgeState, until_s: float) -> bool:
        is_up_to_date = self._rebuilds.bring_up_to_date(
            self._connection,
            state,
            self._policy,
            amendments=self._amendments,
            doubtful=self._doubtful,
            until_s=until_s,
        )
        state.evidence = self._with_places(state.evidence)
        return is_up_to_date

    def _judge_windows(self, state: JudgeState, closed_until_ms: int, until_s: float) -> None:
        """Add closed windows one by one, each with its decision, until there are no more or an action ends the turn.

        A window with mismatches that may turn out to be noise waits, and so do all after it. When that takes too long,
        and while there is much to read, it is judged without them.
        """
        self._decide_and_act(state)
        while (
            state.judged_until_ms < closed_until_ms and not self._actions.changed_launch and time.monotonic() < until_s
        ):
            span_end_ms = min(closed_until_ms, state.judged_until_ms + SPAN_MS)
            windows, end_ms = read_windows(
                self._connection,
                self._launch.name,
                state.judged_until_ms,
                span_end_ms,
                doubtful=self._doubtful,
                amendments=self._amendments,
            )
            has_all = end_ms == span_end_ms
            for number, window in enumerate(windows):
                if self._begins_build(state, window):
                    end_ms = window.start_ms  # the windows from here on are read again
                    break
                if window.is_doubtful and state.evidence.current(self._policy).rollback_reason is None:
                    if has_all and window.is_held:
                        if self._suffices_without_doubtful(state, windows[number:]):
                            self._decide_and_act(state)
                        return
                    window = window.without_doubtful()
                self._add_window(state, window)
                crash_point("judge.window_added")
                self._decide_and_act(state)
                if self._actions.changed_launch:
                    return
            state.judged_until_ms = end_ms

    def _weigh_attempts(self, state: JudgeState) -> None:
        if not self._actions.changed_launch and weigh_attempts(
            self._connection, state, self._policy, now_ms=self._now_ms, count_in_flight=self._count_in_flight
        ):
            self._decide_and_act(state)

    def _read_doubtful(self, state: JudgeState) -> DoubtfulMismatches:
        if not (self._launch.spec.compare and self._launch.spec.noise_percent > 0):
            return NO_DOUBT
        left_out = state.evidence.left_out
        return read_doubtful_signatures(self._connection, self._launch.name, self._now_ms, left_out)

    def _suffices_without_doubtful(self, state: JudgeState, waiting: list[JudgedWindow]) -> bool:
        """True if waiting windows suffice for a rollback even if all doubtful mismatches are noise; then add them.

        Looking ahead costs no validity: evidence without the doubtful mismatches is never stronger than with them.
        """
        ahead = replace(state)
        for window in waiting:
            self._add_window(ahead, window.without_doubtful())
            if ahead.evidence.current(self._policy).rollback_reason is not None:
                state.evidence = ahead.evidence
                state.all_builds = ahead.all_builds
                state.judged_until_ms = ahead.judged_until_ms
                state.changed = True
                return True
        return False

    def _begins_build(self, state: JudgeState, window: JudgedWindow) -> bool:
        """Start counting noise anew if another build begins with this window."""
        known_builds = frozenset(state.all_builds)
        build = state.evidence.find_build_after(window.exchanges, self._policy, known_builds) if known_builds else ""
        if build in ("", state.evidence.current_build, state.noise_build):
            return False
        restart_noise(self._connection, state.launch, build=build, captured_ms=window.start_ms, now_ms=self._now_ms)
        state.noise_build = build
        self._doubtful = self._read_doubtful(state)
        return True

    def _add_window(self, state: JudgeState, window: JudgedWindow) -> None:
        builds = {exchange.build for exchange in window.exchanges if exchange.build in state.all_builds}
        load_builds(self._connection, state, builds)
        before = state.evidence
        evidence = before.with_window(window.exchanges, self._policy, frozenset(state.all_builds))
        if state.all_builds and evidence.current_build != before.current_build:
            evidence = replace(evidence, places_at_start=())
        state.evidence = self._with_places(evidence)
        state.all_builds = sorted({*state.all_builds, *evidence.builds})
        state.judged_until_ms = window.start_ms + WINDOW_MS
        state.changed = True

    def _with_places(self, evidence: LaunchEvidence) -> LaunchEvidence:
        """Return the evidence, for a rollback, with the places that differ beyond noise once there are any."""
        reason = evidence.current(self._policy).rollback_reason
        if reason is None or reason.places:
            return evidence
        counted = read_paired_places(self._connection, self._launch.name)
        places = find_places_beyond_noise(counted, evidence.places_at_start, self._policy.alpha)
        return evidence.with_places(places, self._policy) if places else evidence

    def _decide_and_act(self, state: JudgeState) -> None:
        """Record a new verdict, and make the move that the evidence asks for if the policy lets the judge."""
        decision = self._decide(state)
        context = self._describe_state(state)
        before = state.evidence.verdict
        if decision.verdict is not before:
            state.evidence = state.evidence.with_verdict(decision.verdict)
            state.changed = True
            self._actions.record_verdict(before, decision, state.evidence, context)
        if not self._may_act(state, decision):
            return
        self._actions.make_move(decision, state.evidence, context)
        crash_point("judge.hold_set")
        state.changed = True
        if decision.move is JudgeMove.RAISE:
            next_step = state.evidence.progress.step + 1
            state.evidence = state.evidence.at_step(next_step, self._now_ms, self._policy)
        else:
            state.ended = True

    def _decide(self, state: JudgeState) -> JudgeDecision:
        """Return the decision, with an example of the differences that it is about."""
        decision = state.evidence.decide(self._policy)
        reason = state.evidence.current(self._policy).rollback_reason
        about = reason.strongest if reason else decision.on_course
        outcome = _EXAMPLE_OUTCOMES.get(about.guard) if about else None
        if about is None or outcome is None:
            return decision
        return replace(decision, example=read_example(self._connection, state.launch, about.endpoint, outcome))

    def _may_act(self, state: JudgeState, decision: JudgeDecision) -> bool:
        if decision.move is None or decision.by_hand or self._launch.hold:
            return False
        if decision.move is not JudgeMove.ROLL_BACK and (
            self._doubtful.plain or state.evidence.left_out - self._doubtful.fingerprints
        ):
            return False  # the windows were judged without mismatches that are not, or most likely not, noise
        return self._launch.status is LaunchStatus.ACTIVE or decision.move is JudgeMove.ROLL_BACK

    def _describe_state(self, state: JudgeState) -> dict[str, object]:
        return {
            "basis": state.basis,
            "rules": fingerprint_rules(self._launch.spec),
            "trial": state.round_number,
        }

    def _summarize(self, state: JudgeState) -> dict[str, Any]:
        decision = self._decide(state)
        summary = summarize_judgement(state.evidence, decision, self._policy)
        return {**summary, "trial": state.round_number, "rules": fingerprint_rules(self._launch.spec)}

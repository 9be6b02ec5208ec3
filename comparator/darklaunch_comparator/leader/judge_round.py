"""Where a judge's turn begins: with the evidence of the round in progress, or with a new round.

A round ends when the judge acts, when a person promotes or rolls back, and when rules, budgets or the shadow change:
what was counted before then says nothing about what follows.
"""

from dataclasses import replace
from typing import Any

from psycopg import Connection

from darklaunch_comparator.judging.fingerprint import fingerprint_basis, fingerprint_rules
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.outage import ShadowOutage
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.window import WINDOW_MS, window_start_ms
from darklaunch_comparator.store.amendments import Amendments
from darklaunch_comparator.store.judge_state import JudgeState, lock_judge_state, start_judge_state
from darklaunch_comparator.store.judgements import read_attempt_counts
from darklaunch_comparator.store.launches import LaunchRecord
from darklaunch_comparator.store.noise import read_paired_places, restart_noise
from darklaunch_comparator.store.signatures import read_latest_restart


def load_round(
    connection: Connection[Any], record: LaunchRecord, policy: JudgePolicy, *, amendments: Amendments, now_ms: int
) -> JudgeState:
    """Read and lock the state of the round in progress; start a round if there is none, or if it ended."""
    name = record.state.name
    basis = fingerprint_basis(record.state.spec, policy, read_latest_restart(connection, name))
    state = lock_judge_state(connection, name)
    # Ended, and yet the launch goes on: somebody restarted it.
    if state is not None and state.basis == basis and not state.ended:
        _follow_share(state, record, policy, now_ms)
        return state
    if state is None:
        since_ms = window_start_ms(round(record.created_at.timestamp() * 1000))
        evidence = LaunchEvidence()
        round_number, judged_until_ms = 1, since_ms
    else:
        since_ms = window_start_ms(now_ms) + WINDOW_MS
        round_number, judged_until_ms = state.round_number + 1, max(state.judged_until_ms, since_ms)
        counts = read_attempt_counts(connection, name)
        evidence = LaunchEvidence(
            places_at_start=read_paired_places(connection, name),
            outage=ShadowOutage(counts=counts, before=counts, has_responded=counts.responses > 0),
        )
    has_other_rules = state is not None and not state.basis.startswith(fingerprint_rules(record.state.spec))
    noise_build = state.noise_build if state is not None else ""
    if has_other_rules:
        restart_noise(connection, name, build=noise_build, captured_ms=since_ms, now_ms=now_ms)
        evidence = replace(evidence, places_at_start=())
    step = policy.step_at(record.state.percent) if policy.mode is JudgeMode.AUTO else 0
    state = JudgeState(
        launch=name,
        round_number=round_number,
        basis=basis,
        since_ms=since_ms,
        judged_until_ms=judged_until_ms,
        evidence=evidence.at_step(step, since_ms, policy),
        amendments=amendments.fingerprint,
        noise_build=noise_build,
        changed=True,
    )
    start_judge_state(connection, state)
    return state


def follow_outage(connection: Connection[Any], state: JudgeState, now_ms: int) -> None:
    """Add the attempts that were made since the last turn."""
    outage = state.evidence.outage.with_counts(read_attempt_counts(connection, state.launch), now_ms)
    state.changed = state.changed or outage.failed != state.evidence.outage.failed
    state.evidence = replace(state.evidence, outage=outage)


def _follow_share(state: JudgeState, record: LaunchRecord, policy: JudgePolicy, now_ms: int) -> None:
    """Continue at the ramp step to which a person raised or lowered the share."""
    step = policy.step_at(record.state.percent)
    if policy.mode is JudgeMode.AUTO and step != state.evidence.progress.step:
        state.evidence = state.evidence.at_step(step, now_ms, policy)
        state.changed = True

"""Attempts whose windows wait: a shadow that fails is found although most exchanges are held back from it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from psycopg import Connection

from darklaunch_comparator.judging.policy import Guard, JudgePolicy
from darklaunch_comparator.judging.window import window_start_ms
from darklaunch_comparator.store.judge_state import JudgeState
from darklaunch_comparator.store.judgements import read_attempts

from .judge_windows import MAX_READ_EXCHANGES

DELAY_MS: Final = 30_000
"""How far closed windows may lag behind before attempts count whose windows wait for exchanges that are held back."""


def weigh_attempts(
    connection: Connection[Any],
    state: JudgeState,
    policy: JudgePolicy,
    *,
    now_ms: int,
    count_in_flight: Callable[[], int],
) -> bool:
    """Record a reason for a rollback if the attempts made so far suffice for one; return whether they do.

    Only failures count here, and every exchange that a worker is at work on counts as a response: what has not ended
    yet cannot make the evidence weaker than it is taken for.
    """
    build = state.evidence.current(policy)
    if build.rollback_reason is not None:
        return False
    current = state.evidence.current_build
    attempts = [
        attempt
        for attempt in read_attempts(connection, state.launch, state.judged_until_ms, now_ms, MAX_READ_EXCHANGES)
        if not current or attempt.build in ("", current)
    ]
    if not attempts:
        return False
    latest = attempts[-1]
    attempts += [replace(latest, error=False)] * count_in_flight()
    ahead = build
    for _, window in groupby(attempts, key=lambda attempt: window_start_ms(attempt.at_ms)):
        ahead = ahead.with_window(list(window), policy)
    if (reason := ahead.rollback_reason) is None or reason.strongest.guard is not Guard.ERROR:
        return False
    build = replace(build, rollback_reason=reason, peak_log_e=ahead.peak_log_e)
    state.evidence = state.evidence.with_builds({current: build})
    state.changed = True
    return True

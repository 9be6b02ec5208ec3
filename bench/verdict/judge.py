"""The product's own judge over simulated launches: windows go in, verdicts come out, nothing is repeated here."""

from dataclasses import replace

import numpy as np
from darklaunch_comparator.judging.build_evidence import RollbackReason
from darklaunch_comparator.judging.decision import JudgeMove
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.policy import JudgeMode, JudgePolicy
from darklaunch_comparator.judging.window import WINDOW_MS, JudgedExchange
from darklaunch_comparator.results.latency_clock import LatencyClock

from .controller import BLOCK, MAX_LATENCY_DIFF_MS, Launches
from .engine import NEVER, Ints

POLICY = replace(JudgePolicy(), mode=JudgeMode.AUTO, soak_s=0.0)
"""The default policy without the minimum duration of steps, because no time passes in these simulations."""
ENDPOINT = "GET /orders/{id}"
ENDPOINTS = (ENDPOINT, *(f"GET /page-{number}" for number in range(2, 11)))


def find_ends(
    launches: Launches,
    policy: JudgePolicy = POLICY,
    *,
    most: int | None = None,
    clock: LatencyClock = LatencyClock.HOOK,
    timed_share: float = 1.0,
) -> tuple[Ints, Ints]:
    """Return the exchange after which each launch is rolled back, and that after which it is promoted; NEVER if not.

    A launch is watched on after its promotion. `most` limits how many launches are judged. `clock` times `timed_share`
    of the exchanges, the worker alone the others.
    """
    ends = [
        _find_end(launches, number, policy, clock, timed_share)
        for number in range(most or len(launches.pairs.primary_ms))
    ]
    return np.array([rolled_back for rolled_back, _ in ends]), np.array([promoted for _, promoted in ends])


def find_rollback_reason(windows: list[list[JudgedExchange]]) -> RollbackReason | None:
    """Judge one launch to its end and return why it is rolled back; the endpoints to blame may be known later."""
    evidence = LaunchEvidence()
    for window in windows:
        evidence = evidence.with_window(window, POLICY, frozenset())
        reason = evidence.current(POLICY).rollback_reason
        if reason is not None and reason.blamed_endpoints:
            return reason
    return evidence.current(POLICY).rollback_reason


def _find_end(
    launches: Launches, number: int, policy: JudgePolicy, clock: LatencyClock, timed_share: float
) -> tuple[int, int]:
    evidence = LaunchEvidence()
    promoted = NEVER
    size = launches.pairs.primary_ms.shape[1]
    for start in range(0, size - BLOCK + 1, BLOCK):
        evidence = evidence.with_window(
            _create_window(launches, number, start, clock, timed_share), policy, frozenset()
        )
        move = evidence.decide(policy).move
        if move is JudgeMove.ROLL_BACK:
            return start + BLOCK, promoted
        if move is JudgeMove.PROMOTE:
            promoted = min(promoted, start + BLOCK)
        elif move is JudgeMove.RAISE:
            evidence = evidence.at_step(evidence.progress.step + 1, evidence.current(policy).until_ms, policy)
    return NEVER, promoted


def _create_window(
    launches: Launches, number: int, start: int, clock: LatencyClock, timed_share: float
) -> list[JudgedExchange]:
    now = slice(start, start + BLOCK)
    primary_ms, shadow_ms = (ms[number, now].tolist() for ms in (launches.pairs.primary_ms, launches.pairs.shadow_ms))
    failed = {guard: outcome[number, now].tolist() for guard, outcome in launches.failed.items()}
    none = [0] * BLOCK
    mismatched, error = failed.get("mismatch", none), failed.get("error", none)
    slow = failed.get("slow") or [
        late - early > MAX_LATENCY_DIFF_MS for early, late in zip(primary_ms, shadow_ms, strict=True)
    ]
    endpoints = none if launches.endpoints is None else launches.endpoints[number, now].tolist()
    began_ms = start // BLOCK * WINDOW_MS
    return [
        JudgedExchange(
            at_ms=began_ms + nth,
            endpoint=ENDPOINTS[endpoints[nth]],
            mismatched=bool(mismatched[nth]),
            error=bool(error[nth]),
            slow=bool(slow[nth]),
            stalled=primary_ms[nth] - shadow_ms[nth] > MAX_LATENCY_DIFF_MS,
            clock=clock if nth < timed_share * BLOCK else LatencyClock.WORKER,
            primary_ms=primary_ms[nth],
            shadow_ms=shadow_ms[nth],
        )
        for nth in range(BLOCK)
    ]

"""Noise that is not known yet: it rolls no launch back, and a fault that looks like noise is found in time."""

from dataclasses import replace

import numpy as np
from darklaunch_comparator.judging.launch_evidence import LaunchEvidence
from darklaunch_comparator.judging.window import WINDOW_MS, JudgedExchange
from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, classify_place, may_be_noise
from darklaunch_shared.wire.replay import ReplayedVersion
from numpy.typing import NDArray

from . import judge
from .controller import ALPHA
from .engine import NEVER
from .rows import Group, Row, at_most, shown, soon

ASKED_TWICE = 0.1
EXCHANGES = 2_000
WINDOW = 50
"""Exchanges in a window."""
_NOISE = (NoiseState.VOLATILE, NoiseState.GENERATED)


def of_noise(launches: int) -> Group:
    """Roll back no launch whose only differences are those of a field that one version does not share with itself."""
    few, rng = max(launches // 4, 20), np.random.default_rng(14)
    rows: list[Row] = []
    for rate in (1.0, 0.3, 0.15):
        ends = np.array([_find_end(rng, noise=rate) for _ in range(few)])
        rows.append(at_most(f"differs in {100 * rate:g} % of answers", ends < NEVER, ALPHA))
    at_once = np.array([_find_end(rng, noise=0.15, patient=False) for _ in range(few)])
    rows.append(shown("instead: 15 %, none waited for", at_once < NEVER))
    return Group(
        "A field differs by noise, which is unknown at first; one exchange in ten is asked\n"
        f"twice: rolled back of {few:,} launches of {EXCHANGES:,} exchanges",
        rows,
    )


def of_faults(launches: int) -> Group:
    """Roll back a launch whose only differences are those of a field that is wrong."""
    few, rng = max(launches // 4, 20), np.random.default_rng(15)
    always, seldom = (np.array([_find_end(rng, fault=rate) for _ in range(few)]) for rate in (1.0, 0.01))
    return Group(
        f"A field is wrong, and might be noise at first: exchanges until it is rolled back,\n{few:,} launches",
        [
            soon("wrong in every answer", always, {0.5: 200, 0.99: 400}),
            soon("wrong in 1 % of answers", seldom, {0.5: 900, 0.99: 3000}),
        ],
    )


def _find_end(rng: np.random.Generator, *, noise: float = 0.0, fault: float = 0.0, patient: bool = True) -> int:
    """Judge one launch as the judge does, a window at a time, and return the exchange after which it is rolled back."""
    evidence = LaunchEvidence()
    counts = PlaceCounts(0)
    waiting: list[list[JudgedExchange]] = []
    for start in range(0, EXCHANGES, WINDOW):
        own, differs, wrong, again = rng.random((4, WINDOW))
        candidate, varied, twice = (differs < noise) | (wrong < fault), own < noise, again < ASKED_TWICE
        counts = PlaceCounts(
            counts.pairs + int(twice.sum()),
            counts.varied + int((twice & varied).sum()),
            pos=counts.pos + int((twice & candidate & ~varied).sum()),
            neg=counts.neg + int((twice & ~candidate & varied).sum()),
        )
        state = classify_place(ReplayedVersion.PRIMARY, counts)
        waiting.append(_create_window(start, candidate))
        if patient and may_be_noise(state, counts):
            continue
        for window in waiting:
            seen = [replace(each, mismatched=False) for each in window] if state in _NOISE else window
            evidence = evidence.with_window(seen, judge.POLICY, frozenset())
            if evidence.current(judge.POLICY).rollback_reason is not None:
                return start + WINDOW
        waiting = []
    return NEVER


def _create_window(start: int, mismatched: NDArray[np.bool_]) -> list[JudgedExchange]:
    at_ms = start // WINDOW * WINDOW_MS
    return [
        JudgedExchange(at_ms=at_ms + nth, endpoint=judge.ENDPOINT, mismatched=bool(each))
        for nth, each in enumerate(mismatched)
    ]

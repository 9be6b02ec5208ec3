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
EXCHANGES = 4_000
WINDOW = 50
"""Exchanges in a window."""
HELD_WINDOWS, HELD_VARIED_WINDOWS = 60, 12
"""How many windows wait until a mismatch is known to be noise or not; the second where a version varied."""
_NOISE = (NoiseState.VOLATILE, NoiseState.MEASURED, NoiseState.GENERATED)


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
        "A field differs by noise, which is unknown at first, and there is no control: rolled\n"
        f"back of {few:,} launches of {EXCHANGES:,} exchanges",
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
            soon("wrong in 1 % of answers", seldom, {0.5: 1500, 0.99: 3000}),
        ],
    )


def _find_end(rng: np.random.Generator, *, noise: float = 0.0, fault: float = 0.0, patient: bool = True) -> int:
    """Judge one launch as the judge does, a window at a time, and return the exchange after which it is rolled back.

    Each response differs from the usual one with the probability `noise`; in the share `fault` of the exchanges both
    responses of the shadow are wrong. There is no control.
    """
    evidence = LaunchEvidence()
    counts, state = PlaceCounts(), NoiseState.LEARNING
    waiting: list[list[JudgedExchange]] = []
    for start in range(0, EXCHANGES, WINDOW):
        primary_odd, shadow_odd, again_odd = rng.random((3, WINDOW)) < noise
        wrong, share, up = rng.random((3, WINDOW))
        wrong, rising = wrong < fault, up < 0.5
        shadow_differs, again_differs = primary_odd | shadow_odd | wrong, primary_odd | again_odd | wrong
        repeats = ~(shadow_odd | again_odd)
        asked = (shadow_differs & (state is NoiseState.LEARNING)) | (share < ASKED_TWICE)
        one_odd = asked & shadow_differs & (repeats | ~again_differs)
        gains = {
            "primary_odd": asked & shadow_differs & again_differs & repeats,
            "shadow_odd": asked & shadow_differs & ~again_differs,
            "again_odd": asked & ~shadow_differs & again_differs,
            "all_differ": asked & shadow_differs & again_differs & ~repeats,
            "rising": one_odd & rising & ~wrong,
            "falling": one_odd & (wrong | ~rising),
        }
        counts = replace(counts, **{name: getattr(counts, name) + int(gain.sum()) for name, gain in gains.items()})
        state = classify_place(ReplayedVersion.SHADOW, counts, state)
        waiting.append(_create_window(start, shadow_differs))
        varied = counts.varied(ReplayedVersion.SHADOW) > 0
        held_windows = HELD_VARIED_WINDOWS if varied else HELD_WINDOWS
        is_late = len(waiting) > held_windows
        in_doubt = patient and counts.candidates > 0
        in_doubt = in_doubt and may_be_noise(ReplayedVersion.SHADOW, state, counts, is_late=is_late)
        if in_doubt and not is_late:
            continue
        for window in waiting:
            left_out = state in _NOISE or in_doubt
            seen = [replace(each, mismatched=False) for each in window] if left_out else window
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

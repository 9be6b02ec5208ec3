"""What is known of one place in responses, from its counts alone: the order of exchanges does not matter. Pure.

Three questions are asked, the first two of evidence that may be looked at after every exchange (see `evidence`):

- Does one version differ from itself here? For the primary's version, asked through the baseline, the bound is 5 %:
  what the old version does, the new one has not broken. For the shadow the bound is one half. A new version that
  returns the right value with probability p, and otherwise one wrong value, differs from itself with 2·p·(1−p), which
  is never more than one half: no such fault is learned as noise, however often it occurs. (A value that is new each
  time is; only a baseline could show that the old version does not do so.)
- Does the shadow differ from the primary more than one version differs from itself? The pairs show it: exchanges in
  which only one of the two differs. Then nothing is excused here.
- Does one version repeat the identifier it returns here? Then another identifier is a difference, whatever its shape.

Only values are excused, never presence, type, size or status: those are only counted.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.evidence import OutcomeCounts, above, log_e, log_threshold

NOISE_RATE: Final = {ReplayedVersion.PRIMARY: 0.05, ReplayedVersion.SHADOW: 0.5}
"""A place is noise if a version differs from itself there more often than this share of pairs."""
LEARN_ALPHA: Final = 0.01
EXCEED_ALPHA: Final = 0.001
"""Probability of ever being wrong about one place."""
STABLE_PAIRS: Final = 20
"""Pairs with the same identifier after which another identifier is a difference."""
STABLE_PAIRS_PER_CHANGE: Final = 50
"""That many such pairs are needed for each pair in which the identifier differed."""

QUIET_PAIRS: Final = 50
"""Pairs after which a place that never differed within one version is not noise."""
RARE_NOISE_PAIRS: Final = 500
"""Pairs after which a place that differed rarely within one version is not noise."""


class NoiseState(StrEnum):
    """What is known of a place, and so how it is compared."""

    LEARNING = "learning"  # not enough pairs yet
    VOLATILE = "volatile"  # one version differs from itself: only types are compared
    GENERATED = "generated"  # one version returns a new identifier each time: only shapes are compared
    STABLE = "stable"  # one version repeats its identifier: values are compared
    EXCEEDED = "exceeded"  # the shadow differs far more than one version does from itself: nothing is excused


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """Among `pairs` exchanges with a second replay, those that showed something of one place; see `NoiseObservation`.

    pos   only the shadow differs from the primary
    neg   only the version that was asked twice differs from itself
    """

    pairs: int
    varied: int = 0
    regenerated: int = 0
    agreed: int = 0
    pos: int = 0
    neg: int = 0


def classify_place(version: ReplayedVersion, counts: PlaceCounts) -> NoiseState:
    """Return what is known of a place from the responses of a version that was asked twice."""
    if _differs_beyond_noise(counts):
        return NoiseState.EXCEEDED
    differed = counts.varied + counts.regenerated
    # The primary's version cannot hide a fault: one value of another shape suffices to stop comparing shapes.
    volatile = differed if counts.varied and version is ReplayedVersion.PRIMARY else counts.varied
    if _exceeds_noise_rate(version, volatile, counts.pairs):
        return NoiseState.VOLATILE
    if _exceeds_noise_rate(version, counts.regenerated, counts.pairs):
        return NoiseState.GENERATED
    if counts.agreed >= max(STABLE_PAIRS, STABLE_PAIRS_PER_CHANGE * differed):
        return NoiseState.STABLE
    return NoiseState.LEARNING


def may_be_noise(state: NoiseState, counts: PlaceCounts) -> bool:
    """True if a place may turn out to be noise.

    A place that differs within one version in at least 6 % of pairs does so within 50 pairs, with 95 % certainty.
    """
    differed = counts.varied + counts.regenerated
    return state is NoiseState.LEARNING and counts.pairs < (RARE_NOISE_PAIRS if differed else QUIET_PAIRS)


def _exceeds_noise_rate(version: ReplayedVersion, differed: int, pairs: int) -> bool:
    if differed <= NOISE_RATE[version] * pairs:
        return False
    return log_e(above(NOISE_RATE[version]), OutcomeCounts(differed, 0, pairs)) >= log_threshold(LEARN_ALPHA)


def _differs_beyond_noise(counts: PlaceCounts) -> bool:
    if counts.pos <= counts.neg:
        return False
    paired = OutcomeCounts(counts.pos, counts.neg, counts.pairs)
    return log_e(above(0.0, lo=-1), paired) >= log_threshold(EXCEED_ALPHA)

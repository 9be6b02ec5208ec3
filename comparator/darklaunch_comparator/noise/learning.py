"""What follows from the counts of one place. Pure: a function of sums, so that no order of exchanges matters.

Three questions, the first two answered by evidence that may be looked at after every exchange (see `evidence`):

- Does one version differ from itself here? Asked of the primary's version, through the control, the bound is 5 %: what
  the old version does, the new one cannot have broken. Asked of the shadow, it is one half. A new version that gives
  the right value with probability p and one wrong value else differs from itself with 2·p·(1−p), never more than one
  half: no such fault is learned away, however often it strikes. (A value made up anew each time is: only a control
  could tell that the old version does not.)
- Does the shadow differ from the primary more than one version differs from itself? The pairs say it: in the same
  exchange one of the two differs and the other does not. Then nothing is excused here.
- Does one version repeat the identifier it gives here? Then one that differs is a difference, whatever its shape.

What is excused is a value, never presence, type, size or status: those are only counted.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.evidence import OutcomeCounts, above, log_e, log_threshold

NOISE_RATE: Final = {ReplayedVersion.PRIMARY: 0.05, ReplayedVersion.SHADOW: 0.5}
"""A place is noise when a version differs from itself there more often than this."""
LEARN_ALPHA: Final = 0.01
EXCEED_ALPHA: Final = 0.001
"""Chance of ever being wrong about a place, per place."""
STABLE_PAIRS: Final = 20
"""Pairs that must hold the same identifier before one that differs is a difference."""
STABLE_PAIRS_PER_CHANGE: Final = 50
"""So many of them for each pair in which it was another one."""

QUIET_PAIRS: Final = 50
"""Pairs after which a place that never differed within one version is no noise."""
RESTLESS_PAIRS: Final = 500
"""Pairs after which one that did, now and then, is none either."""


class NoiseState(StrEnum):
    """What is known of a place."""

    LEARNING = "learning"  # not enough
    VOLATILE = "volatile"  # one version differs from itself: compared by type only
    GENERATED = "generated"  # one version gives a new identifier each time: compared by shape
    STABLE = "stable"  # one version repeats its identifier: compared by value
    EXCEEDED = "exceeded"  # the shadow differs far more than one version does from itself: nothing is excused


@dataclass(frozen=True, slots=True)
class PlaceCounts:
    """Exchanges that showed something of a place, out of `pairs`; each as in `finding.Observation`.

    `pos`: the shadow differs from the primary, the version asked twice not from itself; `neg`: the other way round.
    """

    pairs: int
    varied: int = 0
    regenerated: int = 0
    agreed: int = 0
    pos: int = 0
    neg: int = 0


def classify_place(version: ReplayedVersion, counts: PlaceCounts) -> NoiseState:
    """Decide what is known of a place, from the answers of a version that was asked twice."""
    if _exceeds(counts):
        return NoiseState.EXCEEDED
    own = counts.varied + counts.regenerated
    # The primary's version has no fault to hide: one value in another shape is enough to give up comparing shapes.
    volatile = own if counts.varied and version is ReplayedVersion.PRIMARY else counts.varied
    if _differs(version, volatile, counts.pairs):
        return NoiseState.VOLATILE
    if _differs(version, counts.regenerated, counts.pairs):
        return NoiseState.GENERATED
    if counts.agreed >= max(STABLE_PAIRS, STABLE_PAIRS_PER_CHANGE * own):
        return NoiseState.STABLE
    return NoiseState.LEARNING


def may_be_noise(state: NoiseState, counts: PlaceCounts) -> bool:
    """Say whether a place may yet turn out to be noise.

    One that differs within one version in 6 % of its pairs or more shows itself within 50 pairs with 95 % certainty.
    """
    own = counts.varied + counts.regenerated
    return state is NoiseState.LEARNING and counts.pairs < (RESTLESS_PAIRS if own else QUIET_PAIRS)


def _differs(version: ReplayedVersion, differed: int, pairs: int) -> bool:
    if differed <= NOISE_RATE[version] * pairs:
        return False
    return log_e(above(NOISE_RATE[version]), OutcomeCounts(differed, 0, pairs)) >= log_threshold(LEARN_ALPHA)


def _exceeds(counts: PlaceCounts) -> bool:
    if counts.pos <= counts.neg:
        return False
    paired = OutcomeCounts(counts.pos, counts.neg, counts.pairs)
    return log_e(above(0.0, lo=-1), paired) >= log_threshold(EXCEED_ALPHA)

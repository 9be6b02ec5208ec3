"""What is known of one place in responses, from its counts alone: the order of exchanges does not matter. Pure.

For an exchange with a second response there are three: the primary's, the shadow's, and another one of the version
that was asked twice. Where shadow and primary differ, either all three differ, or two agree and one is the odd one.

If both versions behave alike, exchanging the primary's response with the shadow's changes nothing. So the primary's is
the odd one as often as the shadow's, and the shadow's value is the greater one as often as the smaller one. Workers ask
again whenever the two differ, until a place is decided; that choice treats both alike, so the argument stands.

- A place is *exceeded* when the two are odd at different rates, or in different directions: a version that is always
  wrong, one that is wrong in some of its responses, and one that only ever drops a field all break the symmetry.
- With a baseline, a place is noise when the primary's version differs from itself there. What the old version does, the
  new one has not broken.
- Without one, a place is noise when three responses tend to be three values, or when both sides take part in being the
  odd one, in both directions. A new version with one wrong value, returned by chance, passes for noise only if it is
  right in about half of its responses and wrong in both directions. A value that it makes up each time always does.
  Only a baseline can show that the old version does not do so.

All evidence may be looked at after every exchange (see `evidence`). What is learned is not unlearned: a place only
moves on to a later `NoiseState` until the counts start over, with another build or other rules.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from darklaunch_shared.wire.replay import ReplayedVersion

from darklaunch_comparator.evidence import OutcomeCounts, above, below, log_e, log_threshold, weighted_average

BASELINE_RATE: Final = 0.05
"""With a baseline, a place is noise if the primary's version differs from itself in more than this share of pairs."""
ANEW_RATE: Final = 0.2
"""Without one, if all three responses differ in more than this share of the pairs in which the shadow differs,"""
ONE_SIDED_RATE: Final = 0.9
"""or if neither side is the odd one in this share of the other pairs, nor one direction the only one."""
LEARN_ALPHA: Final = 0.05
EXCEED_ALPHA: Final = 0.001
"""Probability of ever being wrong about one place."""
STABLE_PAIRS: Final = 20
"""Pairs with the same identifier after which another identifier is a difference."""
STABLE_PAIRS_PER_CHANGE: Final = 50
"""That many such pairs are needed for each pair in which the identifier differed."""
UNDECIDED_PAIRS: Final = 100
"""Pairs in which the shadow differs after which a place that is still undecided counts as no noise."""
PLAIN_PAIRS: Final = 10
"""Pairs in which the shadow differed and one version never from itself after which a place counts as no noise."""
LATE_PLAIN_PAIRS: Final = 6
"""The same once there is no more time to wait."""


class NoiseState(StrEnum):
    """What is known of a place, and so how it is compared. Later ones replace earlier ones."""

    LEARNING = "learning"  # not enough pairs yet
    STABLE = "stable"  # one version repeats its identifier: values are compared
    GENERATED = "generated"  # one version returns a new identifier each time: only shapes are compared
    VOLATILE = "volatile"  # one version differs from itself: what it does to itself is excused
    MEASURED = "measured"  # the same, and the shadow's numbers are often over ten times the primary's: that is said
    EXCEEDED = "exceeded"  # the shadow differs otherwise than one version does from itself: nothing is excused


EXCUSING_STATES: Final = (NoiseState.VOLATILE, NoiseState.MEASURED, NoiseState.GENERATED)
"""States that excuse mismatches recorded before they were known; the view `darklaunch.noise_signature` agrees."""

_RANK: Final = {state: rank for rank, state in enumerate(NoiseState)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCounts:
    """In how many exchanges with a second response a place showed what; see `NoisePlaceGains`."""

    primary_odd: int = 0
    shadow_odd: int = 0
    again_odd: int = 0
    all_differ: int = 0
    regenerated: int = 0
    agreed: int = 0
    rising: int = 0
    falling: int = 0
    far_rising: int = 0
    far_falling: int = 0

    @property
    def candidates(self) -> int:
        """Pairs in which the shadow differs from the primary, other than by identifiers that are new each time."""
        return self.primary_odd + self.shadow_odd + self.all_differ

    def varied(self, version: ReplayedVersion) -> int:
        """Return the pairs in which the version differs from itself, other than by new identifiers."""
        odd = self.primary_odd if version is ReplayedVersion.PRIMARY else self.shadow_odd
        return odd + self.again_odd + self.all_differ

    def seen(self, version: ReplayedVersion) -> int:
        """Return the pairs that are known to hold the place: in which it differed, or held the same identifier."""
        if version is ReplayedVersion.SHADOW:  # what agrees there is the same in all three responses
            return self.varied(version) + self.regenerated + self.primary_odd + self.agreed
        return self.varied(version) + self.regenerated + max(self.shadow_odd, self.agreed)


def classify_place(
    version: ReplayedVersion, counts: PlaceCounts, before: NoiseState = NoiseState.LEARNING
) -> NoiseState:
    """Return what is known of a place by its counts, if `before` was known earlier."""
    return max(before, _classify_counts(version, counts), key=_RANK.__getitem__)


def may_be_noise(version: ReplayedVersion, state: NoiseState, counts: PlaceCounts, *, is_late: bool = False) -> bool:
    """True if a place at which the shadow differs may still turn out to be noise.

    Where the shadow differed and one version never from itself that is unlikely soon: noise looks like that after 10
    pairs in 1 of 1,000 places at most, and after 6, which suffice when it `is_late`, in 1 of 60.
    """
    if state is not NoiseState.LEARNING or counts.candidates >= UNDECIDED_PAIRS:
        return False
    return bool(counts.varied(version)) or counts.candidates < (LATE_PLAIN_PAIRS if is_late else PLAIN_PAIRS)


def _classify_counts(version: ReplayedVersion, counts: PlaceCounts) -> NoiseState:
    if _breaks_symmetry(version, counts):
        return NoiseState.EXCEEDED
    is_primary = version is ReplayedVersion.PRIMARY
    if _varies_with_baseline(counts) if is_primary else _varies_on_both_sides(counts):
        return NoiseState.MEASURED if _differs_in_magnitude(counts) else NoiseState.VOLATILE
    if _exceeds(BASELINE_RATE if is_primary else ANEW_RATE, counts.regenerated, counts.seen(version)):
        return NoiseState.GENERATED
    changes = counts.varied(version) + counts.regenerated
    if counts.agreed >= max(STABLE_PAIRS, STABLE_PAIRS_PER_CHANGE * changes):
        return NoiseState.STABLE
    return NoiseState.LEARNING


def _varies_with_baseline(counts: PlaceCounts) -> bool:
    varied = counts.varied(ReplayedVersion.PRIMARY)
    if not varied:
        return False
    # The primary's version cannot hide a fault: one value of another shape suffices to stop comparing shapes.
    return _exceeds(BASELINE_RATE, varied + counts.regenerated, counts.seen(ReplayedVersion.PRIMARY))


def _varies_on_both_sides(counts: PlaceCounts) -> bool:
    if _exceeds(ANEW_RATE, counts.all_differ, counts.candidates + counts.regenerated):
        return True
    return _is_two_sided(counts.primary_odd, counts.shadow_odd) and _is_two_sided(counts.rising, counts.falling)


def _is_two_sided(one: int, other: int) -> bool:
    """True if neither of two outcomes makes up 90 % or more of both together."""
    return all(
        log_e(below(ONE_SIDED_RATE), OutcomeCounts(count, 0, one + other)) >= log_threshold(LEARN_ALPHA)
        for count in (one, other)
    )


def _exceeds(rate: float, hits: int, pairs: int) -> bool:
    if hits <= rate * pairs:
        return False
    return log_e(above(rate), OutcomeCounts(hits, 0, pairs)) >= log_threshold(LEARN_ALPHA)


def _breaks_symmetry(version: ReplayedVersion, counts: PlaceCounts) -> bool:
    pairs = counts.primary_odd + counts.shadow_odd
    if version is ReplayedVersion.PRIMARY:
        evidence = log_e(above(0.0, lo=-1), OutcomeCounts(counts.shadow_odd, counts.primary_odd, pairs))
        return evidence >= log_threshold(EXCEED_ALPHA)
    odd = _bet_on_asymmetry(counts.primary_odd, counts.shadow_odd)
    direction = _bet_on_asymmetry(counts.rising, counts.falling)
    return weighted_average([(0.5, odd), (0.5, direction)]) >= log_threshold(EXCEED_ALPHA)


def _differs_in_magnitude(counts: PlaceCounts) -> bool:
    return _bet_on_asymmetry(counts.far_rising, counts.far_falling) >= log_threshold(EXCEED_ALPHA)


def _bet_on_asymmetry(one: int, other: int) -> float:
    """Return log E against "both are equally likely", whichever is the more frequent."""
    if one == other:
        return 0.0 if not one else log_e(above(0.0, lo=-1), OutcomeCounts(one, other, one + other))
    bets = [log_e(above(0.0, lo=-1), OutcomeCounts(*sides, one + other)) for sides in ((one, other), (other, one))]
    return weighted_average([(0.5, bet) for bet in bets])

"""Places in responses that differ more than their own noise. They say where a fault is; they roll nothing back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from darklaunch_comparator.evidence import OutcomeCounts, above, log_e, reject_by_e_bh


@dataclass(frozen=True, slots=True)
class PairedPlace:
    """How one place differed in the `pairs` exchanges for which one version was asked twice.

    pos   only the shadow differed from the primary there
    neg   only the version asked twice differed from itself there

    By noise alone, both are equally likely.
    """

    endpoint: str
    path: str
    version: str
    pos: int
    neg: int
    pairs: int

    @property
    def log_e(self) -> float:
        """Log E for "the shadow differs here more often than noise does"."""
        return log_e(above(0.0, lo=-1), OutcomeCounts(self.pos, self.neg, self.pairs))

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the place: endpoint, path and the version that was asked twice."""
        return self.endpoint, self.path, self.version


def find_places_beyond_noise(
    counted: Iterable[PairedPlace], before: Iterable[PairedPlace], alpha: float
) -> tuple[PairedPlace, ...]:
    """Return the places that differ more than their own noise, strongest first.

    At most the share `alpha` of them is expected to be wrong (e-BH). Counts from `before` are subtracted first. Only
    places at which anything differed are tested against each other; elsewhere there is no evidence at all.
    """
    earlier_counts = {place.key: place for place in before}
    places = [_subtract(place, earlier_counts.get(place.key)) for place in counted]
    evidence = {place: place.log_e for place in places if place.pos > 0 or place.neg > 0}
    strongest: dict[tuple[str, str], PairedPlace] = {}
    for place in reject_by_e_bh(evidence, alpha):
        strongest.setdefault((place.endpoint, place.path), place)
    return tuple(strongest.values())


def _subtract(place: PairedPlace, earlier: PairedPlace | None) -> PairedPlace:
    if earlier is None:
        return place
    return replace(place, pos=place.pos - earlier.pos, neg=place.neg - earlier.neg, pairs=place.pairs - earlier.pairs)

"""What is known of one endpoint's noise, as a comparison uses it. How it is learned is no matter of a comparison's."""

from dataclasses import dataclass
from typing import Final

from .model import DifferenceKind

_EXCUSABLE: Final = frozenset(
    {DifferenceKind.VALUE, DifferenceKind.ORDER, DifferenceKind.TEXT, DifferenceKind.BYTES, DifferenceKind.HEADER}
)


@dataclass(frozen=True, slots=True)
class KnownNoise:
    """Places, by index-free path or `header:<name>`.

    volatile   one version differs from itself there: compared by type only
    identical  no identifier is excused there by its shape: one version repeats it, or the shadow differs far more
    """

    volatile: frozenset[str] = frozenset()
    identical: frozenset[str] = frozenset()

    def excuses(self, place: str, kind: DifferenceKind) -> bool:
        """Say whether a difference there is noise."""
        return place in self.volatile and noise_may_excuse(place, kind)


NO_NOISE: Final = KnownNoise()


def noise_may_excuse(place: str, kind: DifferenceKind) -> bool:
    """Say whether noise may excuse such a difference: another value of one type, never presence, type, size or status.

    A content type is a type, whatever kind its difference has.
    """
    return kind in _EXCUSABLE and place != "header:content-type"

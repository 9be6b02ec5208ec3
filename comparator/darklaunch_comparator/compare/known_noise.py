"""What is known of one endpoint's noise, as a comparison uses it (`noise` learns it)."""

from dataclasses import dataclass
from typing import Final

from .model import DifferenceKind

_EXCUSABLE: Final = frozenset(
    {DifferenceKind.VALUE, DifferenceKind.ORDER, DifferenceKind.TEXT, DifferenceKind.BYTES, DifferenceKind.HEADER}
)


@dataclass(frozen=True, slots=True)
class KnownNoise:
    """Places, each as an index-free path or `header:<name>`.

    volatile   one version differs from itself there: values are compared by type only
    identical  no identifier is excused there by its shape: one version repeats its own, or the shadow differs far more
    """

    volatile: frozenset[str] = frozenset()
    identical: frozenset[str] = frozenset()

    def excuses(self, group_path: str, kind: DifferenceKind) -> bool:
        """True if a difference there is noise."""
        return group_path in self.volatile and noise_may_excuse(group_path, kind)


NO_NOISE: Final = KnownNoise()


def noise_may_excuse(group_path: str, kind: DifferenceKind) -> bool:
    """True if noise may excuse such a difference: another value of one type, never presence, type, size or status.

    The content type tells of a type, whatever kind its difference has.
    """
    return kind in _EXCUSABLE and group_path != "header:content-type"

"""What is known of one endpoint's noise, as a comparison uses it (`noise` learns it)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .model import DifferenceKind


class NoiseAspect(StrEnum):
    """In which respect responses differ at a place. Noise in one respect excuses nothing in another."""

    VALUE = "value"
    PRESENCE = "presence"  # one response has it, another has not
    SIZE = "size"
    TYPE = "type"
    STATUS = "status"
    FORM = "form"  # its encoding, or a key that is there twice


_ASPECTS: Final = {
    DifferenceKind.STATUS: NoiseAspect.STATUS,
    DifferenceKind.HEADER: NoiseAspect.VALUE,
    DifferenceKind.MISSING: NoiseAspect.PRESENCE,
    DifferenceKind.EXTRA: NoiseAspect.PRESENCE,
    DifferenceKind.TYPE: NoiseAspect.TYPE,
    DifferenceKind.VALUE: NoiseAspect.VALUE,
    DifferenceKind.ORDER: NoiseAspect.VALUE,
    DifferenceKind.SIZE: NoiseAspect.SIZE,
    DifferenceKind.TEXT: NoiseAspect.VALUE,
    DifferenceKind.BYTES: NoiseAspect.VALUE,
    DifferenceKind.ENCODING: NoiseAspect.FORM,
    DifferenceKind.DUPLICATE_KEY: NoiseAspect.FORM,
}

NoiseKey = tuple[str, NoiseAspect]
"""A place (an index-free path, `status` or `header:<name>`) and the respect in which responses differ there."""


def make_noise_key(group_path: str, kind: DifferenceKind) -> NoiseKey:
    """Return the key under which noise is known that excuses such a difference.

    The SQL function `darklaunch.noise_aspect` says the same.
    """
    return group_path, _ASPECTS[kind]


def name_noise_key(key: NoiseKey) -> str:
    """Return a place as reports name it: `$.total`, but `$.items size` where it is not the value that differs."""
    path, aspect = key
    return path if aspect is NoiseAspect.VALUE or aspect == path else f"{path} {aspect}"


@dataclass(frozen=True, slots=True)
class KnownNoise:
    """What one version is known not to share with itself.

    volatile   one version differs from itself there in that respect: such a difference is excused
    identical  no identifier is excused there by its shape: one version repeats its own, or the shadow differs far more
    measured   of those, numbers that are often over ten times the primary's: how often is counted apart
    """

    volatile: frozenset[NoiseKey] = frozenset()
    identical: frozenset[str] = frozenset()
    measured: frozenset[str] = frozenset()

    def excuses(self, group_path: str, kind: DifferenceKind) -> bool:
        """True if a difference there is noise.

        The elements of an array whose length is noise cannot be told apart by their positions, so what differs below
        it is noise too.
        """
        if not self.volatile:
            return False
        if make_noise_key(group_path, kind) in self.volatile:
            return True
        at = group_path.find("[*]")
        while at >= 0:
            if (group_path[:at], NoiseAspect.SIZE) in self.volatile:
                return True
            at = group_path.find("[*]", at + 1)
        return False


NO_NOISE: Final = KnownNoise()

"""Take secrets out of what is stored of an exchange, so that equal values stay equal and others still differ.

Values are compared in memory, as they are; only what goes into Postgres is masked. Pure: no I/O, no clock, and no body
makes it raise.
"""

from darklaunch_comparator.credentials import MASKED

from .mask_places import EVERYTHING, NO_PLACES, BadMaskPlace, MaskPlaces
from .masker import ExchangeMasker
from .placeholders import Placeholders

__all__ = ["EVERYTHING", "MASKED", "NO_PLACES", "BadMaskPlace", "ExchangeMasker", "MaskPlaces", "Placeholders"]

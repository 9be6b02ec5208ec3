"""Take secrets out of what is stored of an exchange, so that equal values still are equal and others still differ.

Comparing happens on the values themselves, in memory; only what goes into Postgres is masked. Pure: no I/O, no clock,
and nothing that a body may hold makes it raise.
"""

from .mask_places import EVERYTHING, NO_PLACES, BadMaskPlace, MaskPlaces
from .masker import ExchangeMasker
from .placeholders import MASKED, Placeholders

__all__ = ["EVERYTHING", "MASKED", "NO_PLACES", "BadMaskPlace", "ExchangeMasker", "MaskPlaces", "Placeholders"]

"""Which of two rendered values is the greater, and whether by more than a factor of ten. Pure."""

import re
from typing import Final

FAR_FACTOR: Final = 10.0
"""Numbers further apart than this factor differ in magnitude, not only by what a measurement scatters."""

_NUMBER: Final = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def compare_sizes(primary: str | None, shadow: str | None) -> int:
    """Return 1 if the shadow's value is the greater, −1 if the primary's is, 0 if neither can be said to be.

    A value is greater than none. Two texts around one number each compare by their numbers, others by their letters:
    exchanging the two values always changes the sign of the result and nothing else.
    """
    if primary is None or shadow is None:
        return (shadow is not None) - (primary is not None)
    numbers = _read_numbers(primary, shadow)
    if numbers is not None:
        return (numbers[1] > numbers[0]) - (numbers[1] < numbers[0])
    return (shadow > primary) - (shadow < primary)


def is_far(primary: str | None, shadow: str | None) -> bool:
    """True if both values are numbers, or one text around a number each, that differ by more than a factor of ten."""
    if primary is None or shadow is None:
        return False
    numbers = _read_numbers(primary, shadow)
    if numbers is None or min(numbers) <= 0:
        return False
    return max(numbers) > FAR_FACTOR * min(numbers)


def _read_numbers(primary: str, shadow: str) -> tuple[float, float] | None:
    """Return the only numbers in two texts that are the same around them; None if that is not so."""
    primary_numbers, shadow_numbers = _NUMBER.findall(primary), _NUMBER.findall(shadow)
    if len(primary_numbers) != 1 or len(shadow_numbers) != 1:
        return None
    if _NUMBER.sub("#", primary) != _NUMBER.sub("#", shadow):
        return None
    try:
        return float(primary_numbers[0].replace(",", "")), float(shadow_numbers[0].replace(",", ""))
    except (ValueError, OverflowError):
        return None

"""Find, at the speed of C, which parts of two documents need no walk because they are the same.

Python holds `True == 1`, JSON does not. Parts that are equal to Python are therefore also written out and compared as
text, but only where the two documents' texts leave room for a boolean to hide.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from .documents import canonical
from .model import Json

Differ: TypeAlias = "Callable[[Json, Json], bool]"
"""Says of two values whether they may differ: never no when they do, sometimes yes when they do not (1 and 1.0)."""

_WORD: Final = len(b"false")
_NEAR: Final = 32


def differ(one: Json, other: Json) -> bool:
    """Say whether two values may differ, where no boolean can stand for a number."""
    try:
        return type(one) is not type(other) or one != other
    except RecursionError:  # too deep for a comparison in C
        return True


def differ_or_hide_booleans(one: Json, other: Json) -> bool:
    """Say whether two values may differ, if only by `true` for `1` somewhere inside."""
    if differ(one, other):
        return True
    return isinstance(one, (dict, list)) and not same_form(one, other)


def same_form(one: Json, other: Json) -> bool:
    """Say whether two documents are the same text, written in one canonical form."""
    form = canonical(one)
    return form is not None and form == canonical(other)


def may_hide_booleans(theirs: bytes, ours: bytes) -> bool:
    """Say whether the stretch in which two texts differ holds a boolean on either side."""
    shortest = min(len(theirs), len(ours))
    start = _shared_start(theirs, ours, shortest)
    end = _shared_end(theirs, ours, shortest - start)
    for text in (theirs, ours):
        # Both ends a word further: the two may share a part of the word itself.
        stretch = text[max(0, start - _WORD) : len(text) - max(0, end - _WORD)]
        if b"true" in stretch or b"false" in stretch:
            return True
    return False


def _shared_start(theirs: bytes, ours: bytes, most: int) -> int:
    """Count the bytes that two texts share at their start, by bisection; up to _NEAR too few."""
    low, high = 0, most
    while high - low > _NEAR:
        middle = (low + high + 1) // 2
        if theirs[low:middle] == ours[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _shared_end(theirs: bytes, ours: bytes, most: int) -> int:
    """Count the bytes that two texts share at their end, by bisection; up to _NEAR too few."""
    low, high = 0, most
    left, right = len(theirs), len(ours)
    while high - low > _NEAR:
        middle = (low + high + 1) // 2
        if theirs[left - middle : left - low] == ours[right - middle : right - low]:
            low = middle
        else:
            high = middle - 1
    return low

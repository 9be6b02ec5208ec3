"""Find, at the speed of C, which parts of two documents need no walk because they are the same.

Python holds `True == 1`, JSON does not. Parts that are equal to Python are therefore also written out and compared as
text, all parts of one object or array at once, but only where the documents' texts leave room for a boolean to hide.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import orjson

from .documents import canonical, written
from .model import Json

Differing: TypeAlias = "Callable[[list[Json], list[Json]], list[int]]"
"""Lists where two lists of one length may differ: each place that does, sometimes one that does not (1 and 1.0)."""

_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS
_WORD: Final = len(b"false")
_NEAR: Final = 64


def differing(ones: list[Json], others: list[Json]) -> list[int]:
    """List where two lists may differ, when no boolean can stand for a number."""
    try:
        return [
            at
            for at, (one, other) in enumerate(zip(ones, others, strict=True))
            if one is not other and (type(one) is not type(other) or one != other)
        ]
    except RecursionError:  # somewhere too deep for a comparison in C
        return [at for at, (one, other) in enumerate(zip(ones, others, strict=True)) if _differ(one, other)]


def differing_or_hiding_booleans(ones: list[Json], others: list[Json]) -> list[int]:
    """List where two lists may differ, if only by `true` for `1` somewhere inside."""
    found = differing(ones, others)
    if len(found) == len(ones):
        return found
    left, right = ones.copy(), others.copy()
    for at in found:
        left[at] = right[at] = None
    if same_form(left, right):
        return found
    known = set(found)
    return [
        at
        for at, (one, other) in enumerate(zip(ones, others, strict=True))
        if at in known or (isinstance(one, dict | list) and not same_form(one, other))
    ]


def same_form(one: Json, other: Json) -> bool:
    """Say whether two documents are the same text, written in one form."""
    form = written(one, _OPTIONS)
    if form is None:
        return False
    return form == written(other, _OPTIONS) or canonical(one) == canonical(other)


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
    """Count the bytes that two texts share at their start: by bisection, then by the first bit that differs."""
    low, high = 0, most
    while high - low > _NEAR:
        middle = (low + high) // 2
        if theirs[low:middle] == ours[low:middle]:
            low = middle
        else:
            high = middle
    bits = int.from_bytes(theirs[low:high]) ^ int.from_bytes(ours[low:high])
    return high - (bits.bit_length() + 7) // 8


def _shared_end(theirs: bytes, ours: bytes, most: int) -> int:
    """Count the bytes that two texts share at their end, of at most `most`."""
    low, high = 0, most
    left, right = len(theirs), len(ours)
    while high - low > _NEAR:
        middle = (low + high) // 2
        if theirs[left - middle : left - low] == ours[right - middle : right - low]:
            low = middle
        else:
            high = middle
    bits = int.from_bytes(theirs[left - high : left - low], "little") ^ int.from_bytes(
        ours[right - high : right - low], "little"
    )
    return high - (bits.bit_length() + 7) // 8


def _differ(one: Json, other: Json) -> bool:
    try:
        return type(one) is not type(other) or one != other
    except RecursionError:
        return True

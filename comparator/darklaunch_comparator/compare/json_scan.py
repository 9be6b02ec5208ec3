"""Prove from two JSON texts alone that their documents differ in nothing but a few scalars.

Two answers of one program differ in a time, an id, a price. Where two texts part and meet again without anything in
between that gives JSON its structure, both hold the same objects under the same keys; so no key stands twice on one
side only, and a boolean can face a number, or a long number another, only where the texts part. And two writers of one
document often differ in white space alone.
"""

import re
from typing import Final

DIFFERING_SCALARS_CAP: Final = 4
"""Places where two texts may part; when there are more, writing the documents out tells more for less."""

_LOOK: Final = len(b'{"id')
"""Texts of two writers part this early: at the first white space or in the first key."""
_STEP: Final = 64
_PLAIN: Final = re.compile(rb'[^"\\{}\[\]:,]*+')
_PLAIN_IN_NO_KEY: Final = re.compile(rb'([^"\\{}\[\]:,]*+)[^"\\]*+(?:"(?![ \t\r\n]*+:)|\Z)')
_BOOLEANS: Final = (b"true", b"false")

_DIGITS: Final = bytes.maketrans(b"0123456789.", b"00000000000")
_LONG: Final = b"0" * 16
_WHITE: Final = b" \n\r\t"


def has_long_number(text: bytes) -> bool:
    """Say whether there is a run of 16 or more digits and points, the fewest that a double may round.

    Of every 16 bytes in a row, four lie in a slice of every fourth byte; so that slice is searched first.
    """
    return b"0000" in text[3::4].translate(_DIGITS) and _LONG in text.translate(_DIGITS)


def only_white_space_differs(theirs: bytes, ours: bytes) -> bool:
    """Say whether two texts, both known to be JSON, are the same but for white space, which may be that of strings."""
    return theirs.translate(None, _WHITE) == ours.translate(None, _WHITE)


def count_differing_scalars(theirs: bytes, ours: bytes) -> int:
    """Count the scalars in which two texts differ that, if JSON, hold the same objects, the same keys and booleans.

    Nor is one of them a number that a double may round. 0 when all that cannot be told so cheaply: other white space,
    an escape nearby, too many places.
    """
    if theirs[:_LOOK] != ours[:_LOOK]:
        return 0
    at = to = 0
    for places in range(DIFFERING_SCALARS_CAP + 1):
        rest, twin = theirs[at:], ours[to:]
        if rest == twin:
            return places
        same = _shared(rest, twin)
        at, to = at + same, to + same
        left, right = _PLAIN_IN_NO_KEY.match(theirs, at), _PLAIN.match(ours, to)
        if left is None or right is None or theirs[at - 1 : at] == b"\\":  # half an escape
            return 0
        one, other = left[1], right[0]
        if _ends_long_number(theirs[:at], one, other):
            return 0
        at, to = left.end(1), right.end()
        one, other = one.strip(), other.strip()
        if theirs[at : at + 1] != ours[to : to + 1] or one == other or (one in _BOOLEANS) != (other in _BOOLEANS):
            return 0
    return 0


def _ends_long_number(start: bytes, one: bytes, other: bytes) -> bool:
    """Say whether one of two words may be, or end, a long number: it may have begun in what they share."""
    before = len(_LONG) - max(len(one), len(other))
    if before > 0:
        return start[-before:].replace(b".", b"0").isdigit()
    return _LONG in (start[-len(_LONG) :] + one + b" " + other).translate(_DIGITS)


def _shared(theirs: bytes, ours: bytes) -> int:
    """Count the bytes that two texts, which are not the same, share from their start on: in steps, then by a bit."""
    low, step = 0, _STEP
    while (one := theirs[low : low + step]) == (other := ours[low : low + step]):
        low, step = low + step, step * 4
    while step > _STEP:
        step //= 2
        if one[:step] == other[:step]:
            low, one, other = low + step, one[step:], other[step:]
        else:
            one, other = one[:step], other[:step]
    bits = int.from_bytes(one, "little") ^ int.from_bytes(other, "little")
    return low + ((bits & -bits).bit_length() - 1) // 8

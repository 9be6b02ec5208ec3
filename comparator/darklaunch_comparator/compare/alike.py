"""Prove from two JSON texts alone that their documents differ in nothing but a few scalars.

Two answers of one program differ in a time, an id, a price. Where two texts part and meet again without anything in
between that gives JSON its structure, both hold the same objects under the same keys; so no key stands twice on one
side only, and a boolean can face a number, or a long number another, only where the texts part. And two writers of one
document often differ in white space alone.
"""

import re
from typing import Final

MOST: Final = 4
"""Places where two texts may part; when there are more, writing the documents out tells more for less."""

_LOOK: Final = len(b'{"id')
"""Texts of two writers part this early: at the first white space or in the first key."""
_STEP: Final = 256
_PLAIN: Final = re.compile(rb'[^"\\{}\[\]:,]*+')
_IN_NO_KEY: Final = re.compile(rb'[^"\\]*+(?:"(?![ \t\r\n]*+:)|\Z)')
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


def only_scalars_differ(theirs: bytes, ours: bytes) -> bool:
    """Say whether two texts, both known to be JSON, hold the same objects with the same keys, and the same booleans.

    Nor does a number that a double may round stand where they differ. False when all that cannot be told so cheaply:
    other white space, an escape nearby, too many places.
    """
    if theirs[:_LOOK] != ours[:_LOOK]:
        return False
    at = to = 0
    for _ in range(MOST + 1):
        if theirs[at:] == ours[to:]:
            return True
        same = _shared(theirs, at, ours, to)
        at, to = at + same, to + same
        left, right = _PLAIN.match(theirs, at), _PLAIN.match(ours, to)
        if left is None or right is None or theirs[at - 1 : at] == b"\\":  # half an escape
            return False
        begun = max(0, at - len(_LONG)), max(0, to - len(_LONG))  # a number may have begun before it differs
        at, to = left.end(), right.end()
        if _LONG in (theirs[begun[0] : at] + b" " + ours[begun[1] : to]).translate(_DIGITS):
            return False
        if theirs[at : at + 1] != ours[to : to + 1] or _IN_NO_KEY.match(theirs, at) is None:
            return False
        one, other = left[0].strip(), right[0].strip()
        if one == other or (one in _BOOLEANS) != (other in _BOOLEANS):
            return False
    return False


def _shared(theirs: bytes, at: int, ours: bytes, to: int) -> int:
    """Count the bytes that two texts share from these places on: in growing steps, then by the first bit."""
    most = min(len(theirs) - at, len(ours) - to)
    low, step = 0, _STEP
    while low < most and theirs[at + low : at + low + step] == ours[to + low : to + low + step]:
        low, step = low + step, step * 2
    if low >= most:
        return most
    high = min(low + step, most)
    while high - low > _STEP:
        middle = (low + high) // 2
        if theirs[at + low : at + middle] == ours[to + low : to + middle]:
            low = middle
        else:
            high = middle
    bits = int.from_bytes(theirs[at + low : at + high]) ^ int.from_bytes(ours[to + low : to + high])
    return high - (bits.bit_length() + 7) // 8

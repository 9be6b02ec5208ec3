"""Prove from two JSON texts alone that their documents differ in nothing but a few scalars.

Two responses of one program differ in a time, an id, a price. Where two texts part and meet again without anything in
between that gives JSON its structure, both hold the same objects under the same keys; so no key stands twice on one
side only, and a boolean can face a number, or a long number another, only where the texts part. And two writers of one
document often differ in white space alone.
"""

import re
from typing import Final

DIFFERING_SCALARS_CAP: Final = 4
"""Places where two texts may part; if there are more, writing the documents out proves more for less."""

_START_BYTES: Final = len(b'{"id')
"""Texts of two writers part this early: at the first white space or in the first key."""
_STEP_BYTES: Final = 64
_PLAIN: Final = re.compile(rb'[^"\\{}\[\]:,]*+')
_PLAIN_IN_NO_KEY: Final = re.compile(rb'([^"\\{}\[\]:,]*+)[^"\\]*+(?:"(?![ \t\r\n]*+:)|\Z)')
_BOOLEANS: Final = (b"true", b"false")

_DIGITS: Final = bytes.maketrans(b"0123456789.", b"00000000000")
_LONG_NUMBER: Final = b"0" * 16
_WHITE_SPACE: Final = b" \n\r\t"


def has_long_number(text: bytes) -> bool:
    """True if there is a run of 16 or more digits and points, the fewest that a double may round."""
    # Of every 16 bytes in a row, four lie in a slice of every fourth byte; so that slice is searched first.
    return b"0000" in text[3::4].translate(_DIGITS) and _LONG_NUMBER in text.translate(_DIGITS)


def only_white_space_differs(primary: bytes, shadow: bytes) -> bool:
    """True if two JSON texts are the same once white space is removed, inside of strings as well."""
    return primary.translate(None, _WHITE_SPACE) == shadow.translate(None, _WHITE_SPACE)


def count_differing_scalars(primary: bytes, shadow: bytes) -> int:
    """Count the scalars in which two JSON texts differ, if they differ in nothing else.

    Then both hold the same objects, keys and booleans, and no scalar that differs is a number that a double may round.
    0 if that cannot be proven so cheaply: other white space, an escape nearby, more than DIFFERING_SCALARS_CAP places.
    """
    if primary[:_START_BYTES] != shadow[:_START_BYTES]:
        return 0
    primary_at = shadow_at = 0
    for scalars in range(DIFFERING_SCALARS_CAP + 1):
        primary_rest, shadow_rest = primary[primary_at:], shadow[shadow_at:]
        if primary_rest == shadow_rest:
            return scalars
        shared = _count_shared_bytes(primary_rest, shadow_rest)
        primary_at, shadow_at = primary_at + shared, shadow_at + shared
        primary_match, shadow_match = _PLAIN_IN_NO_KEY.match(primary, primary_at), _PLAIN.match(shadow, shadow_at)
        if primary_match is None or shadow_match is None or primary[primary_at - 1 : primary_at] == b"\\":
            return 0  # the last of these: half an escape
        primary_word, shadow_word = primary_match[1], shadow_match[0]
        if _ends_long_number(primary[:primary_at], primary_word, shadow_word):
            return 0
        primary_at, shadow_at = primary_match.end(1), shadow_match.end()
        primary_word, shadow_word = primary_word.strip(), shadow_word.strip()
        if (
            primary[primary_at : primary_at + 1] != shadow[shadow_at : shadow_at + 1]
            or primary_word == shadow_word
            or (primary_word in _BOOLEANS) != (shadow_word in _BOOLEANS)
        ):
            return 0
    return 0


def _ends_long_number(start: bytes, primary_word: bytes, shadow_word: bytes) -> bool:
    """True if one of two words may be, or end, a long number: it may have begun in the `start` that they share."""
    before = len(_LONG_NUMBER) - max(len(primary_word), len(shadow_word))
    if before > 0:
        return start[-before:].replace(b".", b"0").isdigit()
    return _LONG_NUMBER in (start[-len(_LONG_NUMBER) :] + primary_word + b" " + shadow_word).translate(_DIGITS)


def _count_shared_bytes(primary: bytes, shadow: bytes) -> int:
    """Count the bytes that two texts, which are not the same, share from their start on."""
    # In growing steps, then by halves, then by the first bit that differs: all in C, and none far past the place.
    low, step = 0, _STEP_BYTES
    while (left := primary[low : low + step]) == (right := shadow[low : low + step]):
        low, step = low + step, step * 4
    while step > _STEP_BYTES:
        step //= 2
        if left[:step] == right[:step]:
            low, left, right = low + step, left[step:], right[step:]
        else:
            left, right = left[:step], right[:step]
    bits = int.from_bytes(left, "little") ^ int.from_bytes(right, "little")
    return low + ((bits & -bits).bit_length() - 1) // 8

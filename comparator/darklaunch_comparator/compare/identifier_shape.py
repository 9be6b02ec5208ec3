"""Identifiers that machines make up: UUID, ULID, ObjectId, KSUID, nanoid, cuid, hashes, tokens.

Two of them have the same shape when they have the same alphabet and the same length. Ordinary words, slugs and
plain numbers have no shape.
"""

import re
from collections.abc import Mapping
from typing import Final

SHORTEST_CHARS: Final = 16
"""Shorter words have no shape, because too many ordinary words look random."""

MAP_KEYS: Final = 50
"""An object with more keys than this is a map, whose keys are data."""

UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"

_UUID: Final = re.compile(UUID)
_HEX: Final = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}|[0-7][0-9a-hjkmnp-tv-z]{25}")
_PREFIXED: Final = re.compile(r"([a-z]{2,16}[_-]|[A-Z]{2,16}[_-])(.{16,})", re.DOTALL)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{20,}={0,2}")
_RUNS: Final = re.compile(r"[0-9]+|[a-z]+|[A-Z]+|[^0-9A-Za-z]+")
_DIGIT: Final = re.compile(r"[0-9]")
_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")
_KEY: Final = re.compile(
    rf"\d+|{UUID}|[0-9a-f]{{16,}}|[0-9A-F]{{16,}}|[0-7][0-9A-HJKMNP-TV-Z]{{25}}|\d{{4}}-\d\d-\d\d.*", re.DOTALL
)


def find_identifier_shape(word: str) -> str | None:
    """Return the shape of a word of letters, digits, `_` and `-` (or base64); None if it is not a made-up identifier.

    A prefix is part of the shape: `req_9f8e…` and `ord_9f8e…` differ in it.
    """
    prefixed = _PREFIXED.fullmatch(word)
    if prefixed is not None:
        tail = _find_shape(prefixed[2])
        if tail is not None:
            return prefixed[1] + tail
    return _find_shape(word)


def is_map(*objects: Mapping[str, object]) -> bool:
    """True if the objects that stand at one place are maps, whose keys are data, and not records.

    A map has more than MAP_KEYS keys, or all its keys are ids, numbers or dates.
    """
    for members in objects:
        if len(members) > MAP_KEYS:
            return True
    has_keys = False
    for members in objects:
        for name in members:
            if _KEY.fullmatch(name) is None:
                return False
            has_keys = True
    return has_keys


def _find_shape(word: str) -> str | None:
    length = len(word)
    if length < SHORTEST_CHARS:
        return None
    if length == 36 and _UUID.fullmatch(word):
        return "uuid" if word == word.lower() else "UUID"
    case = "lower" if word == word.lower() else "upper" if word == word.upper() else "mixed"
    if length == 26 and _ULID.fullmatch(word) and _DIGIT.search(word):
        return f"ulid {case}"
    if _HEX.fullmatch(word):
        # An IBAN is a few letters before digits: in made-up hex they alternate.
        return f"hex {length} {case}" if len(_RUNS.findall(word)) > 2 else None
    if length >= 20 and _WORD.fullmatch(word):
        return f"token {length} {case}" if _is_random(word, case) else None
    if _BASE64.fullmatch(word):
        return f"base64 {length}" if _is_random(word, case) else None
    return None


def _is_random(word: str, case: str) -> bool:
    """True if letters of both cases and digits alternate as in a random word, not as in a name."""
    changes = len(_RUNS.findall(word)) - 1
    digits = len(_DIGIT.findall(word))
    if case == "mixed":
        return digits > 0 and changes >= 0.38 * len(word)
    return digits >= 3 and word.isalnum() and changes >= 0.22 * len(word)

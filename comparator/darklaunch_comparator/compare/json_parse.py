"""Read two JSON bodies so that no difference between them is lost in the reading.

orjson reads almost all of them. It rounds what does not fit a double, refuses NaN and lone surrogates, and stops at
depth 1024; where that matters both sides go through the standard library's parser with exact numbers instead.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, cast

import orjson

from darklaunch_comparator.content import CorruptBody, to_text
from darklaunch_comparator.places import ROOT, JsonPlace

from .collector import Unverified
from .identifier_shape import is_map
from .json_equality import (
    FindDifferences,
    find_differences,
    find_differences_and_booleans,
    find_only_difference,
    write_json,
    write_sorted_json,
)
from .json_scan import count_differing_scalars, has_long_number, only_white_space_differs
from .model import Json, NotANumber

DEPTH_CAP: Final = 128
NODES_CAP: Final = 100_000

_BRACKETS: Final = re.compile(rb'"(?:[^"\\]+|\\.|\\\Z)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)
_GIANT_BYTES: Final = 1_000_000
_GIANT_VALUES: Final = 5 * NODES_CAP


@dataclass(frozen=True, slots=True)
class MalformedJson:
    """A body that is not JSON; `undecodable` when it is not even text."""

    reason: str
    undecodable: bool = False


@dataclass(slots=True)
class JsonDocuments:
    """Two parsed bodies, and what is known of how they were written.

    `same`: they are the same document, and each stands for both. `find` finds what differs in them. `repeats`: a key
    may stand twice in an object of one side only.
    """

    primary: "Json | MalformedJson"
    shadow: "Json | MalformedJson"
    same: bool = False
    find: FindDifferences = find_differences_and_booleans
    repeats: bool = True


def parse_pair(primary: bytes, shadow: bytes) -> JsonDocuments:
    """Parse two bodies, both by the same parser, so that fractions are doubles or Decimals on both sides.

    Raises Unverified when one is nested too deep, or holds too many values, to read in bounded time and memory.
    """
    if len(primary) > _GIANT_BYTES or len(shadow) > _GIANT_BYTES:
        _refuse_giants(primary, shadow)
    try:
        places = count_differing_scalars(primary, shadow)
        if places:
            find = find_only_difference if places == 1 else find_differences
            return JsonDocuments(orjson.loads(primary), orjson.loads(shadow), find=find, repeats=False)
        found = _rewritten(primary, shadow)
    except orjson.JSONDecodeError:
        found = None
    return found or JsonDocuments(_exactly("primary", primary), _exactly("shadow", shadow))


def _rewritten(primary: bytes, shadow: bytes) -> JsonDocuments | None:
    """Parse two bodies and write them again, to see what they share; the shorter only if it is not the longer, written.

    None when numbers were lost in the reading.
    """
    swapped = len(primary) < len(shadow)
    longer, shorter = (shadow, primary) if swapped else (primary, shadow)
    one = orjson.loads(longer)
    form = write_json(one)
    if form == shorter and _kept(longer, form) == (True, True):
        return JsonDocuments(one, one, same=True, repeats=False)
    other = orjson.loads(shorter)
    twin = write_json(other)
    (numbers, keys), (other_numbers, other_keys) = _kept(longer, form), _kept(shorter, twin)
    if not (numbers and other_numbers):
        return None
    left, right = (other, one) if swapped else (one, other)
    return JsonDocuments(left, right, same=_same(one, other, form, twin), repeats=not (keys and other_keys))


def find_duplicate_keys(text: bytes) -> dict[str, JsonPlace]:
    """Find keys that an object has twice: index-free path to place. Empty when the text is not JSON."""
    if _too_deep(text):
        return {}
    try:
        content = cast(Json, _DUPLICATES.decode(to_text(text)))
    except (ValueError, RecursionError, CorruptBody):
        return {}
    found: dict[str, JsonPlace] = {}
    todo: list[tuple[Json, JsonPlace]] = [(content, ROOT)]
    nodes = 0
    while todo and nodes < NODES_CAP:
        part, path = todo.pop()
        nodes += 1
        if isinstance(part, _ObjectWithRepeats):
            for name in part.repeated:
                place = path.key(name)
                found.setdefault(place.group_path, place)
        if isinstance(part, dict):
            data = is_map(part)
            named = [(name, child) for name, child in part.items() if isinstance(child, dict | list)]
            todo.extend([(child, path.key(name, in_map=data)) for name, child in reversed(named)])
        elif isinstance(part, list):
            placed = [(at, child) for at, child in enumerate(part) if isinstance(child, dict | list)]
            todo.extend([(child, path.index(at)) for at, child in reversed(placed)])
    return found


def _exactly(side: str, text: bytes) -> "Json | MalformedJson":
    if _too_deep(text):
        raise Unverified(f"the {side}'s body is nested more than {DEPTH_CAP} deep")
    try:
        return cast(Json, _EXACT.decode(to_text(text)))
    except CorruptBody as wrong:
        return MalformedJson(str(wrong), undecodable=True)
    except ValueError as wrong:
        return MalformedJson(f"not JSON: {str(wrong)[:80]}")
    except RecursionError:  # this far down someone else's stack even DEPTH_CAP may be too deep
        raise Unverified(f"the {side}'s body is nested too deep to read here") from None


def _kept(text: bytes, form: bytes | None) -> tuple[bool, bool]:
    """Say what of a text is sure to be in what was read of it and written again: all its numbers, and all its keys."""
    if text == form:
        return True, True
    if form is None:
        return not has_long_number(text), False
    numbers = not has_long_number(text) or only_white_space_differs(text, form)
    # Each key has a colon, and of two that are the same one is kept; but an escaped colon is one once it is written.
    escaped = b"\\" in text and (b"\\u003a" in text or b"\\u003A" in text)
    return numbers, not escaped and text.count(b":") == form.count(b":")


def _same(left: Json, right: Json, one: bytes | None, other: bytes | None) -> bool:
    """Say whether two documents, written as these, are known to be the same, whatever the order of their keys."""
    if one is None or other is None or len(one) != len(other):
        return False
    return one == other or (not _same_order(left, right) and write_sorted_json(left) == write_sorted_json(right))


def _same_order(left: Json, right: Json) -> bool:
    """Guess from the first objects whether two documents list their keys in one order."""
    if isinstance(left, list) and isinstance(right, list) and left and right:
        left, right = left[0], right[0]
    return not (isinstance(left, dict) and isinstance(right, dict)) or list(left) == list(right)


def _refuse_giants(primary: bytes, shadow: bytes) -> None:
    for side, text in (("primary", primary), ("shadow", shadow)):
        if len(text) > _GIANT_BYTES and _values(text) > _GIANT_VALUES:
            raise Unverified(f"the {side}'s body holds more than {_GIANT_VALUES:,} values")


def _values(text: bytes) -> int:
    """Estimate from above how many values a body holds, without parsing it: two megabytes of `[],` are 700,000."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _too_deep(text: bytes) -> bool:
    if text.count(b"[") + text.count(b"{") <= DEPTH_CAP:
        return False
    depth = 0
    for found in _BRACKETS.finditer(text):
        mark = found[0]
        if mark == b"[" or mark == b"{":
            depth += 1
            if depth > DEPTH_CAP:
                return True
        elif mark == b"]" or mark == b"}":
            depth -= 1
    return False


def _whole(digits: str) -> int | Decimal | NotANumber:
    # int() takes quadratic time and refuses past 4,300 digits; a Decimal is exact and takes linear time
    return int(digits) if len(digits) <= 18 else _fraction(digits)


def _fraction(digits: str) -> Decimal | NotANumber:
    try:
        return Decimal(digits)
    except InvalidOperation:  # an exponent of twenty digits
        return NotANumber(digits)


class _ObjectWithRepeats(dict[str, Json]):
    """An object that has keys twice."""

    repeated: tuple[str, ...] = ()


def _noting_repeats(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    kept = dict(pairs)
    if len(kept) == len(pairs):
        return kept
    seen: set[str] = set()
    marked = _ObjectWithRepeats(kept)
    repeated: list[str] = []
    for name, _ in pairs:
        if name in seen:
            repeated.append(name)
        seen.add(name)
    marked.repeated = tuple(repeated)
    return marked


_EXACT: Final = json.JSONDecoder(parse_float=_fraction, parse_int=_whole, parse_constant=NotANumber)
_DUPLICATES: Final = json.JSONDecoder(
    parse_float=_fraction, parse_int=_whole, parse_constant=NotANumber, object_pairs_hook=_noting_repeats
)

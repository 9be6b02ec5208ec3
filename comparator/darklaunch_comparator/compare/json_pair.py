"""Parse two JSON bodies so that no difference between them is lost, and so that little is left to walk.

orjson parses almost all of them. It rounds what does not fit a double, refuses NaN and lone surrogates, and stops at
depth 1024; where that matters, both sides go through the exact parser instead. What the texts alone prove
(`json_scan`), and what writing the documents again proves, spares the walk most of its work.
"""

from dataclasses import dataclass

import orjson

from .json_equality import (
    FindDifferences,
    find_differences,
    find_differences_and_booleans,
    find_only_difference,
    write_json,
    write_sorted_json,
)
from .json_parse import GIANT_BYTES, MalformedJson, parse_exactly, refuse_giant
from .json_scan import count_differing_scalars, has_long_number, only_white_space_differs
from .model import Json


@dataclass(slots=True)
class JsonPair:
    """Two parsed bodies, and what is known of how they were written.

    `are_same`: they are the same document. `find` finds what differs in them. `may_repeat_keys`: a key may stand twice
    in an object of one side only.
    """

    primary: "Json | MalformedJson"
    shadow: "Json | MalformedJson"
    are_same: bool = False
    find: FindDifferences = find_differences_and_booleans
    may_repeat_keys: bool = True


def parse_pair(primary: bytes, shadow: bytes) -> JsonPair:
    """Parse two bodies, both by the same parser, so that fractions are doubles or Decimals on both sides.

    Raises Unverified if one is nested too deep, or holds too many values, to parse in bounded time and memory.
    """
    if len(primary) > GIANT_BYTES or len(shadow) > GIANT_BYTES:
        refuse_giant("primary", primary)
        refuse_giant("shadow", shadow)
    try:
        scalars = count_differing_scalars(primary, shadow)
        if scalars:
            find = find_only_difference if scalars == 1 else find_differences
            return JsonPair(orjson.loads(primary), orjson.loads(shadow), find=find, may_repeat_keys=False)
        pair = _parse_and_rewrite(primary, shadow)
    except orjson.JSONDecodeError:
        pair = None
    return pair or JsonPair(parse_exactly("primary", primary), parse_exactly("shadow", shadow))


def _parse_and_rewrite(primary: bytes, shadow: bytes) -> JsonPair | None:
    """Parse two bodies and write them again, to see what they share; None if numbers were lost in the parsing.

    The shorter text is parsed only if it is not what the longer one becomes when it is written again.
    """
    swapped = len(primary) < len(shadow)
    longer, shorter = (shadow, primary) if swapped else (primary, shadow)
    longer_document = orjson.loads(longer)
    longer_rewritten = write_json(longer_document)
    longer_kept_numbers, longer_kept_keys = _check_loss(longer, longer_rewritten)
    if longer_rewritten == shorter and longer_kept_numbers and longer_kept_keys:
        return JsonPair(longer_document, longer_document, are_same=True, may_repeat_keys=False)
    shorter_document = orjson.loads(shorter)
    shorter_rewritten = write_json(shorter_document)
    shorter_kept_numbers, shorter_kept_keys = _check_loss(shorter, shorter_rewritten)
    if not (longer_kept_numbers and shorter_kept_numbers):
        return None
    return JsonPair(
        shorter_document if swapped else longer_document,
        longer_document if swapped else shorter_document,
        are_same=_are_same(longer_document, shorter_document, longer_rewritten, shorter_rewritten),
        may_repeat_keys=not (longer_kept_keys and shorter_kept_keys),
    )


def _check_loss(text: bytes, rewritten: bytes | None) -> tuple[bool, bool]:
    """Return whether all numbers, and whether all keys, of a text are sure to be in what was parsed and rewritten."""
    if text == rewritten:
        return True, True
    if rewritten is None:
        return not has_long_number(text), False
    kept_numbers = not has_long_number(text) or only_white_space_differs(text, rewritten)
    # Each key has a colon, and of two equal keys one is kept. But an escaped colon is a plain one once it is rewritten.
    escaped_colon = b"\\" in text and (b"\\u003a" in text or b"\\u003A" in text)
    return kept_numbers, not escaped_colon and text.count(b":") == rewritten.count(b":")


def _are_same(primary: Json, shadow: Json, primary_rewritten: bytes | None, shadow_rewritten: bytes | None) -> bool:
    """True if two documents are known to be the same, whatever the order of their keys."""
    if primary_rewritten is None or shadow_rewritten is None or len(primary_rewritten) != len(shadow_rewritten):
        return False
    if primary_rewritten == shadow_rewritten:
        return True
    return not _have_same_order(primary, shadow) and write_sorted_json(primary) == write_sorted_json(shadow)


def _have_same_order(primary: Json, shadow: Json) -> bool:
    """Guess from the first objects whether two documents list their keys in one order."""
    if isinstance(primary, list) and isinstance(shadow, list) and primary and shadow:
        primary, shadow = primary[0], shadow[0]
    return not (isinstance(primary, dict) and isinstance(shadow, dict)) or list(primary) == list(shadow)

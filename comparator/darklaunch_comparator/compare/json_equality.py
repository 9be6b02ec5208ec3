"""Find, at the speed of C, which parts of two documents need no walk because they are the same.

To Python `True == 1`, to JSON not. Unless it is known that no boolean faces a number, objects and arrays are therefore
written out and compared as text.
"""

from collections.abc import Callable, Collection
from itertools import compress, count
from operator import ne
from typing import Final, TypeAlias

import orjson

from .model import Json

FindDifferences: TypeAlias = "Callable[[Collection[Json], Collection[Json]], list[int]]"
"""Returns the positions at which two rows of one length may differ. Misses none; some may be equal (1 and 1.0)."""

_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS


def write_json(content: Json, option: int | None = None) -> bytes | None:
    """Write a document without white space; None if orjson cannot (depth, a lone surrogate, an exact number)."""
    try:
        return orjson.dumps(content, option=option)
    except TypeError:
        return None


def write_sorted_json(content: Json) -> bytes | None:
    """Write a document without white space, with sorted keys; None if orjson cannot.

    Two documents written alike are the same; two written otherwise may be (`1` and `1.0`).
    """
    return write_json(content, orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def find_differences(primary: Collection[Json], shadow: Collection[Json]) -> list[int]:
    """Find where two rows may differ, if no boolean can stand for a number."""
    try:
        return [position for position, differs in enumerate(map(ne, primary, shadow)) if differs]
    except RecursionError:  # somewhere too deep for a comparison in C
        pairs = enumerate(zip(primary, shadow, strict=True))
        return [position for position, (left, right) in pairs if _differ(left, right)]


def find_only_difference(primary: Collection[Json], shadow: Collection[Json]) -> list[int]:
    """Find the one place where two rows differ, if there can be no other, and no boolean can stand for a number."""
    try:
        position = next(compress(count(), map(ne, primary, shadow)), None)
    except RecursionError:
        return find_differences(primary, shadow)
    return [] if position is None else [position]


def find_differences_and_booleans(primary: Collection[Json], shadow: Collection[Json]) -> list[int]:
    """Find where two rows may differ, if only by `true` for `1` somewhere inside."""
    return [
        position
        for position, (left, right) in enumerate(zip(primary, shadow, strict=True))
        if left is not right
        and (
            type(left) is not type(right)
            or (_may_differ_inside(left, right) if isinstance(left, dict | list) else left != right)
        )
    ]


def _may_differ_inside(primary: Json, shadow: Json) -> bool:
    """True if two objects or arrays may differ: as text, then to Python, then as text with sorted keys."""
    text = write_json(primary, _OPTIONS)
    if text is None:
        return True
    if text == write_json(shadow, _OPTIONS):
        return False
    return _differ(primary, shadow) or write_sorted_json(primary) != write_sorted_json(shadow)


def _differ(primary: Json, shadow: Json) -> bool:
    try:
        return type(primary) is not type(shadow) or primary != shadow
    except RecursionError:
        return True

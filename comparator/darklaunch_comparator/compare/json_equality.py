"""Find, at the speed of C, which parts of two documents need no walk because they are the same.

Python holds `True == 1`, JSON does not. Unless it is known that no boolean faces a number, objects and arrays are
therefore written out and compared as text.
"""

from collections.abc import Callable, Collection
from itertools import compress, count
from operator import ne
from typing import Final, TypeAlias

import orjson

from .model import Json

FindDifferences: TypeAlias = "Callable[[Collection[Json], Collection[Json]], list[int]]"
"""Lists where two rows of one length may differ: each place that does, sometimes one that does not (1 and 1.0)."""

_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS


def write_json(content: Json, option: int | None = None) -> bytes | None:
    """Write a document without white space; None for one that orjson cannot write."""
    try:
        return orjson.dumps(content, option=option)
    except TypeError:  # nested deeper than orjson writes, a lone surrogate, an exact number
        return None


def write_sorted_json(content: Json) -> bytes | None:
    """Write a document in one form, with sorted keys; None for one that orjson cannot write (exact numbers, depth).

    Two documents with the same form are the same; the reverse does not hold (`1` and `1.0`).
    """
    return write_json(content, orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def find_differences(ones: Collection[Json], others: Collection[Json]) -> list[int]:
    """List where two rows may differ, when no boolean can stand for a number."""
    try:
        return [at for at, unlike in enumerate(map(ne, ones, others)) if unlike]
    except RecursionError:  # somewhere too deep for a comparison in C
        return [at for at, (one, other) in enumerate(zip(ones, others, strict=True)) if _differ(one, other)]


def find_only_difference(ones: Collection[Json], others: Collection[Json]) -> list[int]:
    """List the one place where two rows differ, when there can be no other, nor a boolean stand for a number."""
    try:
        at = next(compress(count(), map(ne, ones, others)), None)
    except RecursionError:
        return find_differences(ones, others)
    return [] if at is None else [at]


def find_differences_and_booleans(ones: Collection[Json], others: Collection[Json]) -> list[int]:
    """List where two rows may differ, if only by `true` for `1` somewhere inside."""
    return [
        at
        for at, (one, other) in enumerate(zip(ones, others, strict=True))
        if one is not other
        and (
            type(one) is not type(other)
            or (_may_differ_inside(one, other) if isinstance(one, dict | list) else one != other)
        )
    ]


def _may_differ_inside(one: Json, other: Json) -> bool:
    """Say whether two objects or arrays may differ: as text, then to Python, then as text with sorted keys."""
    form = write_json(one, _OPTIONS)
    if form is None:
        return True
    return form != write_json(other, _OPTIONS) and (
        _differ(one, other) or write_sorted_json(one) != write_sorted_json(other)
    )


def _differ(one: Json, other: Json) -> bool:
    try:
        return type(one) is not type(other) or one != other
    except RecursionError:
        return True

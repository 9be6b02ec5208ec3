"""Decide which elements of two arrays belong together, so that one inserted element is one difference, not fifty."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, cast

from . import render
from .collector import Unverified
from .json_equality import FindDifferences, write_sorted_json
from .model import Json
from .volatile import VolatileValues

IDENTITY_MEMBERS: Final = ("id", "uuid", "key")
"""Members that name an element when every element has one and no two the same."""

Skeleton = Callable[[str], str]
"""Replaces the volatile parts of one side's text by their shapes."""

_SHOWN: Final = 5
_POINT_ZERO: Final = re.compile(r"(?<=\d)\.0(?=[,\]}]|\Z)")


@dataclass(slots=True)
class ArrayAlignment:
    """How the elements of two arrays belong together.

    `pairs` are positions (primary's, shadow's) still to be compared; what is the same is not listed. `resized`
    describes both sides when nothing could be aligned.
    """

    pairs: list[tuple[int, int]]
    missing: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()
    reordered: bool = False
    resized: tuple[str, str] | None = None


def align_arrays(
    theirs: list[Json], ours: list[Json], find: FindDifferences, volatile: VolatileValues
) -> ArrayAlignment:
    """Align two arrays: by an obvious id, else as the same multiset in another order, else by position.

    Raises Unverified when elements are nested too deep to be told apart.
    """
    equal_length = len(theirs) == len(ours)
    differing: list[int] = []
    if equal_length:
        differing = find(theirs, ours)
        if not differing or (len(differing) == 1 and _same_identity(theirs[differing[0]], ours[differing[0]])):
            return ArrayAlignment([(at, at) for at in differing])
    by_identity = align_by_identity(theirs, ours, "", find)
    if by_identity is not None:
        return by_identity
    if not equal_length:
        return _resized(theirs, ours, volatile)
    if len(differing) > 1:
        left = [write_comparable(theirs[at], volatile.primary_skeleton) for at in differing]
        right = [write_comparable(ours[at], volatile.shadow_skeleton) for at in differing]
        if left != right and Counter(left) == Counter(right):
            return ArrayAlignment([], reordered=True)
    return ArrayAlignment([(at, at) for at in differing])


def align_by_identity(theirs: list[Json], ours: list[Json], by: str, find: FindDifferences) -> ArrayAlignment | None:
    """Align two arrays by a member that names their elements, "" for an obvious one; None when there is none."""
    if not by:
        identities = _identities(theirs, ours)
        return None if identities is None else _by_identity(theirs, ours, *identities, find)
    left, right = _named(theirs, by), _named(ours, by)
    if len(left) < len(theirs) or len(right) < len(ours):
        return None
    return _by_identity(theirs, ours, left, right, find)


def _same_identity(one: Json, other: Json) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return True
    return all(one.get(name) == other.get(name) for name in IDENTITY_MEMBERS)


def _identities(theirs: list[Json], ours: list[Json]) -> tuple[list[str | int], list[str | int]] | None:
    for name in IDENTITY_MEMBERS:
        left, right = _named(theirs, name), _named(ours, name)
        # With no id in common these are not the same things: ids made up anew, or of another type.
        if left and right and not set(left).isdisjoint(right):
            return left, right
    return None


def _named(elements: list[Json], name: str) -> list[str | int]:
    """List every element's id, or nothing when one has none or two have the same."""
    names: list[str | int] = []
    for element in elements:
        found = element.get(name) if isinstance(element, dict) else None
        if not isinstance(found, str | int) or isinstance(found, bool):
            return []
        names.append(found)
    return names if len(set(names)) == len(names) else []


def _by_identity(
    theirs: list[Json], ours: list[Json], left: list[str | int], right: list[str | int], find: FindDifferences
) -> ArrayAlignment:
    positions = {name: at for at, name in enumerate(right)}
    known = set(left)
    pairs = [(at, positions[name]) for at, name in enumerate(left) if name in positions]
    return ArrayAlignment(
        pairs=[pairs[at] for at in find([theirs[one] for one, _ in pairs], [ours[other] for _, other in pairs])],
        missing=tuple([at for at, name in enumerate(left) if name not in positions]),
        extra=tuple([at for at, name in enumerate(right) if name not in known]),
        reordered=any(before[1] > after[1] for before, after in pairwise(pairs)),
    )


def _resized(theirs: list[Json], ours: list[Json], volatile: VolatileValues) -> ArrayAlignment:
    left = [write_comparable(element, volatile.primary_skeleton) for element in theirs]
    right = [write_comparable(element, volatile.shadow_skeleton) for element in ours]
    one, other = _only_here(theirs, left, right), _only_here(ours, right, left)
    return ArrayAlignment([], resized=(describe_array(len(theirs), one), describe_array(len(ours), other)))


def _only_here(elements: list[Json], forms: list[str], others: list[str]) -> list[Json]:
    left_over = Counter(forms) - Counter(others)
    found: list[Json] = []
    for element, written in zip(elements, forms, strict=True):
        if left_over[written] > 0:
            left_over[written] -= 1
            found.append(element)
    return found


def describe_array(length: int, only_here: list[Json]) -> str:
    """Describe an array by its length and the elements, as a multiset, that the other side lacks."""
    text = f"{length:,} element{'' if length == 1 else 's'}"
    if not only_here:
        return text
    shown = [render.render_value(element) for element in only_here[:_SHOWN]]
    more = f" and {len(only_here) - len(shown):,} more" if len(only_here) > len(shown) else ""
    return render.cut(f"{text}, only here: {', '.join(shown)}") + more


def write_comparable(element: Json, skeleton: Skeleton) -> str:
    """Write an element so that two that a walk would find the same look the same: sorted, masked, 1.0 as 1.

    Raises Unverified when it is nested too deep to be written.
    """
    return _POINT_ZERO.sub("", skeleton(write_sorted(element)))


def write_sorted(element: Json) -> str:
    """Write an element with sorted keys. Raises Unverified when it is nested too deep to be written."""
    written = write_sorted_json(element)
    try:
        return written.decode() if written is not None else json.dumps(element, sort_keys=True, default=_odd)
    except RecursionError:
        raise Unverified("the bodies hold array elements nested too deep to be told apart") from None


def _odd(number: object) -> Any:
    return {"number": str(cast(Any, number))}

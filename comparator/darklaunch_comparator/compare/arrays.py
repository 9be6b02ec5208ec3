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
"""Members that identify an element if every element has one and no two the same."""

MakeSkeleton = Callable[[str], str]
"""Replaces the volatile parts of one side's text by their shapes."""

_SHOWN_ELEMENTS: Final = 5
_POINT_ZERO: Final = re.compile(r"(?<=\d)\.0(?=[,\]}]|\Z)")


@dataclass(slots=True)
class ArrayAlignment:
    """How the elements of two arrays belong together.

    `pairs` are positions (primary's, shadow's) still to be compared; what is the same is not listed. `resized`
    describes both sides if nothing could be aligned.
    """

    pairs: list[tuple[int, int]]
    missing: tuple[int, ...] = ()
    extra: tuple[int, ...] = ()
    reordered: bool = False
    resized: tuple[str, str] | None = None


def align_arrays(
    primary: list[Json], shadow: list[Json], find: FindDifferences, volatile: VolatileValues
) -> ArrayAlignment:
    """Align two arrays: by an obvious id, else as the same multiset in another order, else by position.

    Raises Unverified if elements are nested too deep to be told apart.
    """
    same_length = len(primary) == len(shadow)
    differing: list[int] = []
    if same_length:
        differing = find(primary, shadow)
        if not differing or (len(differing) == 1 and _has_same_identity(primary[differing[0]], shadow[differing[0]])):
            return ArrayAlignment([(at, at) for at in differing])
    by_identity = align_by_identity(primary, shadow, "", find)
    if by_identity is not None:
        return by_identity
    if not same_length:
        return _describe_resized(primary, shadow, volatile)
    if len(differing) > 1:
        primary_texts = [write_comparable(primary[at], volatile.primary_skeleton) for at in differing]
        shadow_texts = [write_comparable(shadow[at], volatile.shadow_skeleton) for at in differing]
        if primary_texts != shadow_texts and Counter(primary_texts) == Counter(shadow_texts):
            return ArrayAlignment([], reordered=True)
    return ArrayAlignment([(at, at) for at in differing])


def align_by_identity(
    primary: list[Json], shadow: list[Json], member: str, find: FindDifferences
) -> ArrayAlignment | None:
    """Align two arrays by a member that identifies their elements, "" for an obvious one.

    None if there is no such member in all elements, or two elements have the same.
    """
    if not member:
        identities = _find_identities(primary, shadow)
        return None if identities is None else _pair_by_identity(primary, shadow, *identities, find)
    primary_ids, shadow_ids = _list_identities(primary, member), _list_identities(shadow, member)
    if len(primary_ids) < len(primary) or len(shadow_ids) < len(shadow):
        return None
    return _pair_by_identity(primary, shadow, primary_ids, shadow_ids, find)


def _has_same_identity(primary: Json, shadow: Json) -> bool:
    if not (isinstance(primary, dict) and isinstance(shadow, dict)):
        return True
    return all(primary.get(name) == shadow.get(name) for name in IDENTITY_MEMBERS)


def _find_identities(primary: list[Json], shadow: list[Json]) -> tuple[list[str | int], list[str | int]] | None:
    for name in IDENTITY_MEMBERS:
        primary_ids, shadow_ids = _list_identities(primary, name), _list_identities(shadow, name)
        # With no id in common these are not the same things: ids made up anew, or of another type.
        if primary_ids and shadow_ids and not set(primary_ids).isdisjoint(shadow_ids):
            return primary_ids, shadow_ids
    return None


def _list_identities(elements: list[Json], name: str) -> list[str | int]:
    """Return every element's id, or nothing if one has none or two have the same."""
    identities: list[str | int] = []
    for element in elements:
        identity = element.get(name) if isinstance(element, dict) else None
        if not isinstance(identity, str | int) or isinstance(identity, bool):
            return []
        identities.append(identity)
    return identities if len(set(identities)) == len(identities) else []


def _pair_by_identity(
    primary: list[Json],
    shadow: list[Json],
    primary_ids: list[str | int],
    shadow_ids: list[str | int],
    find: FindDifferences,
) -> ArrayAlignment:
    shadow_positions = {identity: at for at, identity in enumerate(shadow_ids)}
    known = set(primary_ids)
    pairs = [
        (at, shadow_positions[identity]) for at, identity in enumerate(primary_ids) if identity in shadow_positions
    ]
    differing = find([primary[at] for at, _ in pairs], [shadow[at] for _, at in pairs])
    return ArrayAlignment(
        pairs=[pairs[at] for at in differing],
        missing=tuple([at for at, identity in enumerate(primary_ids) if identity not in shadow_positions]),
        extra=tuple([at for at, identity in enumerate(shadow_ids) if identity not in known]),
        reordered=any(before[1] > after[1] for before, after in pairwise(pairs)),
    )


def _describe_resized(primary: list[Json], shadow: list[Json], volatile: VolatileValues) -> ArrayAlignment:
    primary_texts = [write_comparable(element, volatile.primary_skeleton) for element in primary]
    shadow_texts = [write_comparable(element, volatile.shadow_skeleton) for element in shadow]
    primary_only = _list_surplus(primary, primary_texts, shadow_texts)
    shadow_only = _list_surplus(shadow, shadow_texts, primary_texts)
    return ArrayAlignment(
        [], resized=(describe_array(len(primary), primary_only), describe_array(len(shadow), shadow_only))
    )


def _list_surplus(elements: list[Json], texts: list[str], other_texts: list[str]) -> list[Json]:
    """Return the elements, as a multiset, that the other side lacks."""
    surplus = Counter(texts) - Counter(other_texts)
    surplus_elements: list[Json] = []
    for element, text in zip(elements, texts, strict=True):
        if surplus[text] > 0:
            surplus[text] -= 1
            surplus_elements.append(element)
    return surplus_elements


def describe_array(length: int, only_here: list[Json]) -> str:
    """Describe an array by its length and the elements that the other side lacks."""
    text = f"{length:,} element{'' if length == 1 else 's'}"
    if not only_here:
        return text
    shown = [render.render_value(element) for element in only_here[:_SHOWN_ELEMENTS]]
    more = f" and {len(only_here) - len(shown):,} more" if len(only_here) > len(shown) else ""
    return render.cut(f"{text}, only here: {', '.join(shown)}") + more


def write_comparable(element: Json, make_skeleton: MakeSkeleton) -> str:
    """Write an element so that two that a walk would find the same look the same: sorted, masked, 1.0 as 1.

    Raises Unverified if it is nested too deep to be written.
    """
    return _POINT_ZERO.sub("", make_skeleton(write_sorted(element)))


def write_sorted(element: Json) -> str:
    """Write an element with sorted keys. Raises Unverified if it is nested too deep to be written."""
    text = write_sorted_json(element)
    try:
        return text.decode() if text is not None else json.dumps(element, sort_keys=True, default=_mark_exact_number)
    except RecursionError:
        raise Unverified("the bodies hold array elements nested too deep to be told apart") from None


def _mark_exact_number(number: object) -> Any:
    return {"number": str(cast(Any, number))}

"""Pair the elements of two arrays whose order means nothing, so that no order of either changes what is found."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from darklaunch_comparator.places import JsonPlace, Token

from .arrays import ArrayAlignment, Skeleton, align_by_identity, describe_array, write_comparable, write_sorted
from .collector import Unverified
from .endpoint_rules import ElementRole, EndpointRules, UnorderedRule
from .json_equality import FindDifferences
from .model import NUMBERS, Json
from .volatile import VolatileValues

Key = tuple[bool, Decimal, str]
"""Elements with one key are the same, but for what is excused; by it they are sorted, numbers by their value."""


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """An element: its key, its text to tell it from others of that key, its position."""

    key: Key
    text: str
    at: int


def align_unordered(
    theirs: list[Json],
    ours: list[Json],
    path: JsonPlace,
    rule: UnorderedRule,
    rules: EndpointRules,
    find: FindDifferences,
    volatile: VolatileValues,
) -> ArrayAlignment:
    """Align two arrays by their elements' ids, else as multisets: equal ones first, then what is left, sorted.

    When unequally many are left, nothing says which belong together: that is `resized`. Raises Unverified when
    elements are nested too deep to be told apart.
    """
    if len(theirs) == len(ours) and not find(theirs, ours):
        return ArrayAlignment([])
    alignment = align_by_identity(theirs, ours, rule.by, find)
    if alignment is not None:
        return alignment
    try:
        left = sorted(_entries(theirs, path, rules, volatile.primary_skeleton))
        right = sorted(_entries(ours, path, rules, volatile.shadow_skeleton))
    except RecursionError:
        raise Unverified("the bodies hold array elements nested too deep to be told apart") from None
    same, one, other = _merged(left, right)
    pairs = [(a.at, b.at) for a, b in same]
    resized = None
    if len(one) == len(other):
        pairs += [(a.at, b.at) for a, b in zip(one, other, strict=True)]
    else:
        resized = (
            describe_array(len(theirs), [theirs[a.at] for a in one]),
            describe_array(len(ours), [ours[b.at] for b in other]),
        )
    unequal = find([theirs[a] for a, _ in pairs], [ours[b] for _, b in pairs])
    return ArrayAlignment(
        pairs=sorted(pairs[at] for at in unequal), reordered=any(a != b for a, b in pairs), resized=resized
    )


def _entries(elements: list[Json], path: JsonPlace, rules: EndpointRules, skeleton: Skeleton) -> Iterator[_Entry]:
    tokens = path.tokens()
    for at, element in enumerate(elements):
        text = write_sorted(_sorted(element))
        told = write_comparable(_told_apart(element, [*tokens, at], rules, skeleton), skeleton)
        number = isinstance(element, NUMBERS) and not isinstance(element, bool)
        yield _Entry((not number, Decimal(str(element)) if number else Decimal(0), "" if number else told), text, at)


def _merged(left: list[_Entry], right: list[_Entry]) -> tuple[list[tuple[_Entry, _Entry]], list[_Entry], list[_Entry]]:
    """Split two sorted lists into pairs of one key and what is left of each."""
    same: list[tuple[_Entry, _Entry]] = []
    one: list[_Entry] = []
    other: list[_Entry] = []
    a = b = 0
    while a < len(left) and b < len(right):
        if left[a].key == right[b].key:
            same.append((left[a], right[b]))
            a, b = a + 1, b + 1
        elif left[a].key < right[b].key:
            one.append(left[a])
            a += 1
        else:
            other.append(right[b])
            b += 1
    return same, one + left[a:], other + right[b:]


def _told_apart(part: Json, tokens: list[Token], rules: EndpointRules, skeleton: Skeleton) -> Json:
    """Leave out what the rules excuse, and sort every array: an unordered path covers its subtree."""
    if isinstance(part, dict):
        kept: dict[str, Json] = {}
        for name, value in part.items():
            here = [*tokens, name]
            standing = rules.standing(here, value)
            if standing is ElementRole.KEPT:
                kept[name] = _told_apart(value, here, rules, skeleton)
            elif standing is ElementRole.MASKED:
                kept[name] = type(value).__name__ if isinstance(value, dict | list) else None
        return kept
    if isinstance(part, list):
        elements = [_told_apart(value, [*tokens, at], rules, skeleton) for at, value in enumerate(part)]
        return sorted(elements, key=lambda element: write_comparable(element, skeleton))
    return part


def _sorted(part: Json) -> Json:
    if isinstance(part, dict):
        return {name: _sorted(value) for name, value in part.items()}
    return sorted([_sorted(value) for value in part], key=write_sorted) if isinstance(part, list) else part

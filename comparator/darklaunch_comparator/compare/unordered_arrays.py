"""Pair the elements of two arrays whose order means nothing, so that no order of either changes what is found."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from darklaunch_comparator.places import JsonPlace, Token

from .arrays import ArrayAlignment, MakeSkeleton, align_by_identity, describe_array, write_comparable, write_sorted
from .collector import Unverified
from .endpoint_rules import ElementRole, EndpointRules, UnorderedRule
from .json_equality import FindDifferences
from .model import NUMBERS, Json
from .volatile import VolatileValues

SortKey = tuple[bool, Decimal, str]
"""Elements with one key are the same, but for what is excused. Numbers come first, by their value; then texts."""


@dataclass(frozen=True, slots=True, order=True)
class _Entry:
    """An element: its key, its text to tell it from others of that key, its position."""

    key: SortKey
    text: str
    position: int


def align_unordered(
    primary: list[Json],
    shadow: list[Json],
    place: JsonPlace,
    rule: UnorderedRule,
    rules: EndpointRules,
    find: FindDifferences,
    volatile: VolatileValues,
) -> ArrayAlignment:
    """Align two arrays by their elements' ids, else as multisets: equal ones first, then the rest, sorted.

    If unequally many are left, nothing shows which belong together: that is `resized`. Raises Unverified if elements
    are nested too deep to be told apart.
    """
    if len(primary) == len(shadow) and not find(primary, shadow):
        return ArrayAlignment([])
    alignment = align_by_identity(primary, shadow, rule.by, find)
    if alignment is not None:
        return alignment
    try:
        primary_entries = sorted(_build_entries(primary, place, rules, volatile.primary_skeleton))
        shadow_entries = sorted(_build_entries(shadow, place, rules, volatile.shadow_skeleton))
    except RecursionError:
        raise Unverified("the bodies hold array elements nested too deep to be told apart") from None
    same, primary_rest, shadow_rest = _merge(primary_entries, shadow_entries)
    resized = None
    if len(primary_rest) == len(shadow_rest):
        same += zip(primary_rest, shadow_rest, strict=True)
    else:
        primary_only = [primary[entry.position] for entry in primary_rest]
        shadow_only = [shadow[entry.position] for entry in shadow_rest]
        resized = describe_array(len(primary), primary_only), describe_array(len(shadow), shadow_only)
    pairs = [(primary_entry.position, shadow_entry.position) for primary_entry, shadow_entry in same]
    differing = find([primary[at] for at, _ in pairs], [shadow[at] for _, at in pairs])
    return ArrayAlignment(
        pairs=sorted(pairs[at] for at in differing),
        reordered=any(primary_at != shadow_at for primary_at, shadow_at in pairs),
        resized=resized,
    )


def _build_entries(
    elements: list[Json], place: JsonPlace, rules: EndpointRules, make_skeleton: MakeSkeleton
) -> Iterator[_Entry]:
    tokens = place.tokens()
    for position, element in enumerate(elements):
        text = write_sorted(_sort_arrays(element))
        distinct = write_comparable(_reduce(element, [*tokens, position], rules, make_skeleton), make_skeleton)
        is_number = isinstance(element, NUMBERS) and not isinstance(element, bool)
        key = (False, Decimal(str(element)), "") if is_number else (True, Decimal(0), distinct)
        yield _Entry(key, text, position)


def _merge(
    primary: list[_Entry], shadow: list[_Entry]
) -> tuple[list[tuple[_Entry, _Entry]], list[_Entry], list[_Entry]]:
    """Split two sorted lists into pairs of one key and what is left of each."""
    same: list[tuple[_Entry, _Entry]] = []
    primary_rest: list[_Entry] = []
    shadow_rest: list[_Entry] = []
    primary_at = shadow_at = 0
    while primary_at < len(primary) and shadow_at < len(shadow):
        if primary[primary_at].key == shadow[shadow_at].key:
            same.append((primary[primary_at], shadow[shadow_at]))
            primary_at += 1
            shadow_at += 1
        elif primary[primary_at].key < shadow[shadow_at].key:
            primary_rest.append(primary[primary_at])
            primary_at += 1
        else:
            shadow_rest.append(shadow[shadow_at])
            shadow_at += 1
    return same, primary_rest + primary[primary_at:], shadow_rest + shadow[shadow_at:]


def _reduce(part: Json, tokens: list[Token], rules: EndpointRules, make_skeleton: MakeSkeleton) -> Json:
    """Leave out what the rules excuse, and sort every array: an unordered path covers its subtree."""
    if isinstance(part, dict):
        members: dict[str, Json] = {}
        for name, value in part.items():
            member_tokens = [*tokens, name]
            role = rules.find_role(member_tokens, value)
            if role is ElementRole.KEPT:
                members[name] = _reduce(value, member_tokens, rules, make_skeleton)
            elif role is ElementRole.MASKED:
                members[name] = type(value).__name__ if isinstance(value, dict | list) else None
        return members
    if isinstance(part, list):
        elements = [_reduce(value, [*tokens, at], rules, make_skeleton) for at, value in enumerate(part)]
        return sorted(elements, key=lambda element: write_comparable(element, make_skeleton))
    return part


def _sort_arrays(part: Json) -> Json:
    if isinstance(part, dict):
        return {name: _sort_arrays(value) for name, value in part.items()}
    return sorted([_sort_arrays(value) for value in part], key=write_sorted) if isinstance(part, list) else part

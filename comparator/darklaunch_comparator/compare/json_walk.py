"""Walk two JSON documents side by side, iteratively, into what is not the same."""

from collections.abc import Collection
from decimal import Decimal
from typing import Final

from darklaunch_comparator.places import ROOT, JsonPlace

from .arrays import ArrayAlignment, align_arrays
from .collector import DifferenceCollector, Unverified
from .endpoint_rules import choose_strongest, is_whole
from .identifier_shape import is_map
from .json_equality import FindDifferences, find_differences, find_differences_and_booleans, find_only_difference
from .json_parse import DEPTH_CAP, NODES_CAP
from .model import ABSENT, JSON_TYPES, NUMBERS, DifferenceKind, ExcuseReason, Json, Reasons
from .structure import compare_structure
from .timestamps import LEAST_EPOCH
from .unordered_arrays import align_unordered
from .volatile import VolatileValues, changed_format

_TOO_MANY: Final = f"the bodies differ and have more than {NODES_CAP:,} nodes to compare"

Pair = tuple[Json, Json, JsonPlace]
"""Two values that stand at one place and are still to be compared."""


def walk_json(
    primary_document: Json,
    shadow_document: Json,
    *,
    find: FindDifferences,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> None:
    """Report the differences between two documents.

    `find` finds where rows of their values differ. Raises Unverified past NODES_CAP; what lies deeper than DEPTH_CAP is
    left out and noted.
    """
    rules = collector.rules
    structures = None
    if rules.steers_walk:
        structures = rules.structure_only or None
        if rules.strict_numbers:
            find = _find_differences_and_number_types
        elif find is find_only_difference:  # unordered elements that belong together may differ in several places
            find = find_differences
    todo: list[Pair] = [(primary_document, shadow_document, ROOT)]
    nodes = 0
    while todo:
        primary, shadow, place = todo.pop()
        if place.depth > DEPTH_CAP:
            collector.detail = f"the bodies differ more than {DEPTH_CAP} levels deep"
        elif structures is not None and (structure := choose_strongest(structures.find_values(place.tokens()))):
            compare_structure(primary, shadow, place, structure, collector)
        elif isinstance(primary, dict) and isinstance(shadow, dict):
            nodes += len(primary) + len(shadow)
            if nodes > NODES_CAP:
                raise Unverified(_TOO_MANY)
            todo.extend(reversed(_compare_members(primary, shadow, place, find, collector)))
        elif isinstance(primary, list) and isinstance(shadow, list):
            nodes += len(primary) + len(shadow)
            if nodes > NODES_CAP:
                raise Unverified(_TOO_MANY)
            alignment = _align(primary, shadow, place, find, volatile, collector)
            todo.extend(reversed(_compare_elements(primary, shadow, place, alignment, collector)))
        else:
            _compare_scalars(primary, shadow, place, volatile, collector)


def _find_differences_and_number_types(primary: Collection[Json], shadow: Collection[Json]) -> list[int]:
    """Find where two rows may differ, if only by `1.0` for `1`: Python takes those for equal, as it does `true`."""
    positions = set(find_differences_and_booleans(primary, shadow))
    return [
        position
        for position, (left, right) in enumerate(zip(primary, shadow, strict=True))
        if position in positions
        or (isinstance(left, Decimal) and isinstance(right, Decimal) and is_whole(left) != is_whole(right))
    ]


def _align(
    primary: list[Json],
    shadow: list[Json],
    place: JsonPlace,
    find: FindDifferences,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> ArrayAlignment:
    rules = collector.rules
    rule = choose_strongest(rules.unordered.find_values(place.tokens())) if rules.steers_walk else None
    if rule is None:
        return align_arrays(primary, shadow, find, volatile)
    alignment = align_unordered(primary, shadow, place, rule, rules, find, volatile)
    if alignment.reordered:
        alignment.reordered = False
        collector.count_excuses(place.group_path, ExcuseReason.UNORDERED)
    return alignment


def _compare_members(
    primary: dict[str, Json],
    shadow: dict[str, Json],
    place: JsonPlace,
    find: FindDifferences,
    collector: DifferenceCollector,
) -> list[Pair]:
    """Report members that are missing or extra; return those that differ, to be compared in turn."""
    names = list(primary)
    if names == list(shadow):
        differing = find(primary.values(), shadow.values())
        in_map = bool(differing) and is_map(primary)
    else:
        in_map = is_map(primary, shadow)
        names = [name for name in names if name in shadow]
        for name, value in primary.items():
            if name not in shadow:
                collector.add_values(place.key(name, in_map=in_map), DifferenceKind.MISSING, value, ABSENT)
        for name, value in shadow.items():
            if name not in primary:
                collector.add_values(place.key(name, in_map=in_map), DifferenceKind.EXTRA, ABSENT, value)
        differing = find([primary[name] for name in names], [shadow[name] for name in names])
    return [(primary[name := names[at]], shadow[name], place.key(name, in_map=in_map)) for at in differing]


def _compare_elements(
    primary: list[Json], shadow: list[Json], place: JsonPlace, alignment: ArrayAlignment, collector: DifferenceCollector
) -> list[Pair]:
    """Report elements that are missing, extra or in another order; return those that differ, to be compared in turn."""
    if alignment.reordered:
        collector.add_values(place, DifferenceKind.ORDER, primary, shadow)
    if alignment.resized is not None:
        collector.add_description(place, DifferenceKind.SIZE, *alignment.resized)
    for at in alignment.missing:
        collector.add_values(place.index(at), DifferenceKind.MISSING, primary[at], ABSENT)
    for at in alignment.extra:
        collector.add_values(place.index(at), DifferenceKind.EXTRA, ABSENT, shadow[at])
    return [
        (primary[primary_at], shadow[shadow_at], place.index(primary_at)) for primary_at, shadow_at in alignment.pairs
    ]


def _compare_scalars(
    primary: Json, shadow: Json, place: JsonPlace, volatile: VolatileValues, collector: DifferenceCollector
) -> None:
    if JSON_TYPES[type(primary)] != JSON_TYPES[type(shadow)]:
        collector.add_values(place, DifferenceKind.TYPE, primary, shadow)
    elif isinstance(primary, str) and isinstance(shadow, str):
        if primary != shadow:
            _report(primary, shadow, place, volatile.explain_texts(primary, shadow, place), collector)
    elif isinstance(primary, NUMBERS) and isinstance(shadow, NUMBERS):
        if collector.rules.steers_walk and _differ_in_number_type(primary, shadow, place, collector):
            collector.add_values(place, DifferenceKind.TYPE, primary, shadow)
        elif primary < LEAST_EPOCH or shadow < LEAST_EPOCH:
            if primary != shadow:  # not 1 and 1.0
                collector.add_values(place, DifferenceKind.VALUE, primary, shadow)
        elif primary != shadow:
            _report(primary, shadow, place, volatile.explain_numbers(primary, shadow, place), collector)
    elif primary != shadow:
        collector.add_values(place, DifferenceKind.VALUE, primary, shadow)


def _report(primary: Json, shadow: Json, place: JsonPlace, reasons: Reasons, collector: DifferenceCollector) -> None:
    if not collector.grant_excuse(place.group_path, reasons):
        kind = DifferenceKind.TYPE if changed_format(primary, shadow) else DifferenceKind.VALUE
        collector.add_values(place, kind, primary, shadow)


def _differ_in_number_type(
    primary: int | float | Decimal, shadow: int | float | Decimal, place: JsonPlace, collector: DifferenceCollector
) -> bool:
    """True if one is whole, the other is not, and a rule says that this matters there."""
    return is_whole(primary) != is_whole(shadow) and collector.rules.strict_numbers.covers(place.tokens())

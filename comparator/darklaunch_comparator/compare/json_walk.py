"""Walk two documents side by side, iteratively, into what is not the same."""

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
from .model import ABSENT, NUMBERS, DifferenceKind, ExcuseReason, Json
from .structure import TYPES, compare_structure
from .timestamps import LEAST_EPOCH
from .unordered_arrays import align_unordered
from .volatile import VolatileValues, changed_format

_TOO_MANY: Final = f"the bodies differ and have more than {NODES_CAP:,} nodes to compare"


def walk_json(
    primary: Json, shadow: Json, *, find: FindDifferences, volatile: VolatileValues, findings: DifferenceCollector
) -> None:
    """Report the differences between two documents.

    `find` finds where rows of their values differ. Raises Unverified past NODES_CAP; what lies deeper than DEPTH_CAP is
    left out and noted.
    """
    rules = findings.rules
    structures = None
    if rules.steers_walk:
        structures = rules.structure_only or None
        if rules.strict_numbers:
            find = _differing_or_other_numbers
        elif find is find_only_difference:  # unordered elements that belong together may differ in several places
            find = find_differences
    todo: list[tuple[Json, Json, JsonPlace]] = [(primary, shadow, ROOT)]
    nodes = 0
    while todo:
        theirs, ours, path = todo.pop()
        if path.depth > DEPTH_CAP:
            findings.detail = f"the bodies differ more than {DEPTH_CAP} levels deep"
        elif structures is not None and (structure := choose_strongest(structures.find_values(path.tokens()))):
            compare_structure(theirs, ours, path, structure, findings)
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            nodes += len(theirs) + len(ours)
            if nodes > NODES_CAP:
                raise Unverified(_TOO_MANY)
            todo.extend(reversed(_members(theirs, ours, path, find, findings)))
        elif isinstance(theirs, list) and isinstance(ours, list):
            nodes += len(theirs) + len(ours)
            if nodes > NODES_CAP:
                raise Unverified(_TOO_MANY)
            alignment = _aligned(theirs, ours, path, find, volatile, findings)
            todo.extend(reversed(_elements(theirs, ours, path, alignment, findings)))
        else:
            _values(theirs, ours, path, volatile, findings)


def _differing_or_other_numbers(ones: Collection[Json], others: Collection[Json]) -> list[int]:
    """List where two rows may differ, if only by `1.0` for `1`: it hides as `true` does, among exact numbers too."""
    found = set(find_differences_and_booleans(ones, others))
    return [
        at
        for at, (one, other) in enumerate(zip(ones, others, strict=True))
        if at in found or (isinstance(one, Decimal) and isinstance(other, Decimal) and is_whole(one) != is_whole(other))
    ]


def _aligned(
    theirs: list[Json],
    ours: list[Json],
    path: JsonPlace,
    find: FindDifferences,
    volatile: VolatileValues,
    findings: DifferenceCollector,
) -> ArrayAlignment:
    rules = findings.rules
    rule = choose_strongest(rules.unordered.find_values(path.tokens())) if rules.steers_walk else None
    if rule is None:
        return align_arrays(theirs, ours, find, volatile)
    alignment = align_unordered(theirs, ours, path, rule, rules, find, volatile)
    if alignment.reordered:
        alignment.reordered = False
        findings.excuse(path, (ExcuseReason.UNORDERED,))
    return alignment


def _members(
    theirs: dict[str, Json],
    ours: dict[str, Json],
    path: JsonPlace,
    find: FindDifferences,
    findings: DifferenceCollector,
) -> list[tuple[Json, Json, JsonPlace]]:
    names = list(theirs)
    if names == list(ours):
        unequal = find(theirs.values(), ours.values())
        data = bool(unequal) and is_map(theirs)
    else:
        data = is_map(theirs, ours)
        names = [name for name in names if name in ours]
        for name, value in theirs.items():
            if name not in ours:
                findings.body(path.key(name, in_map=data), DifferenceKind.MISSING, value, ABSENT)
        for name, value in ours.items():
            if name not in theirs:
                findings.body(path.key(name, in_map=data), DifferenceKind.EXTRA, ABSENT, value)
        unequal = find([theirs[name] for name in names], [ours[name] for name in names])
    return [(theirs[names[at]], ours[names[at]], path.key(names[at], in_map=data)) for at in unequal]


def _elements(
    theirs: list[Json], ours: list[Json], path: JsonPlace, alignment: ArrayAlignment, findings: DifferenceCollector
) -> list[tuple[Json, Json, JsonPlace]]:
    if alignment.reordered:
        findings.body(path, DifferenceKind.ORDER, theirs, ours)
    if alignment.resized is not None:
        findings.described(path, DifferenceKind.SIZE, *alignment.resized)
    for at in alignment.missing:
        findings.body(path.index(at), DifferenceKind.MISSING, theirs[at], ABSENT)
    for at in alignment.extra:
        findings.body(path.index(at), DifferenceKind.EXTRA, ABSENT, ours[at])
    return [(theirs[left], ours[right], path.index(left)) for left, right in alignment.pairs]


def _values(theirs: Json, ours: Json, path: JsonPlace, volatile: VolatileValues, findings: DifferenceCollector) -> None:
    if TYPES[type(theirs)] != TYPES[type(ours)]:
        findings.body(path, DifferenceKind.TYPE, theirs, ours)
    elif isinstance(theirs, str) and isinstance(ours, str):
        if theirs != ours:
            _report(theirs, ours, path, volatile.excuse(theirs, ours), findings)
    elif isinstance(theirs, NUMBERS) and isinstance(ours, NUMBERS):
        if findings.rules.steers_walk and _strictly_other(theirs, ours, path, findings):
            findings.body(path, DifferenceKind.TYPE, theirs, ours)
        elif theirs < LEAST_EPOCH or ours < LEAST_EPOCH:
            if theirs != ours:  # not 1 and 1.0
                findings.body(path, DifferenceKind.VALUE, theirs, ours)
        elif theirs != ours:
            _report(theirs, ours, path, volatile.excuse_number(theirs, ours), findings)
    elif theirs != ours:
        findings.body(path, DifferenceKind.VALUE, theirs, ours)


def _report(
    theirs: Json, ours: Json, path: JsonPlace, reasons: tuple[ExcuseReason, ...], findings: DifferenceCollector
) -> None:
    if reasons and findings.admits(path.group_path, reasons):
        findings.excuse(path, reasons)
    else:
        findings.body(path, DifferenceKind.TYPE if changed_format(theirs, ours) else DifferenceKind.VALUE, theirs, ours)


def _strictly_other(
    theirs: int | float | Decimal, ours: int | float | Decimal, path: JsonPlace, findings: DifferenceCollector
) -> bool:
    return is_whole(theirs) != is_whole(ours) and findings.rules.strict_numbers.covers(path.tokens())

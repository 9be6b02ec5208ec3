"""Compare what two documents are made of: keys and types, whatever the values and however long the arrays."""

from decimal import Decimal
from typing import Final

from darklaunch_comparator.places import JsonPlace

from .collector import DifferenceCollector, Unverified
from .endpoint_rules import StructureRule
from .identifier_shape import is_map
from .json_parse import DEPTH_CAP, NODES_CAP
from .model import ABSENT, DifferenceKind, ExcuseReason, Json, NotANumber

TYPES: Final[dict[type, str]] = {
    dict: "object",
    list: "array",
    str: "string",
    int: "number",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    type(None): "null",
    NotANumber: "not a number",
}


Placed = tuple[Json, JsonPlace]


def compare_structure(
    primary: Json, shadow: Json, path: JsonPlace, rule: StructureRule, findings: DifferenceCollector
) -> None:
    """Report where the shadow's structure is another one.

    All elements of an array, and all values of a map, are looked at together: a key is missing when every element of
    the primary has it and one of the shadow's has not, or when none has it any more; a type differs when no element
    of the primary has it. Raises Unverified past NODES_CAP.
    """
    todo: list[tuple[list[Placed], list[Placed]]] = [([(primary, path)], [(shadow, path)])]
    nodes = 0
    while todo:
        theirs, ours = todo.pop()
        nodes += len(theirs) + len(ours)
        if nodes > NODES_CAP:
            raise Unverified(f"the bodies differ and have more than {NODES_CAP:,} nodes to compare")
        if theirs[0][1].depth > DEPTH_CAP:
            findings.detail = f"the bodies differ more than {DEPTH_CAP} levels deep"
        else:
            _types(theirs, ours, findings)
            todo.extend(reversed([*_members(theirs, ours, rule, findings), *_elements(theirs, ours, findings)]))


def _types(theirs: list[Placed], ours: list[Placed], findings: DifferenceCollector) -> None:
    known = {TYPES[type(value)] for value, _ in theirs}
    first, path = theirs[0]
    for value, _ in ours:
        if TYPES[type(value)] not in known:
            findings.body(path, DifferenceKind.TYPE, first, value)
            return
    if _scalars(theirs) != _scalars(ours):
        findings.excuse(path, (ExcuseReason.STRUCTURE_ONLY,))


def _members(
    theirs: list[Placed], ours: list[Placed], rule: StructureRule, findings: DifferenceCollector
) -> list[tuple[list[Placed], list[Placed]]]:
    left = [(value, path) for value, path in theirs if isinstance(value, dict)]
    right = [(value, path) for value, path in ours if isinstance(value, dict)]
    if not left or not right:
        return []
    names = dict.fromkeys([name for each, _ in (*left, *right) for name in each])
    if is_map(*[each for each, _ in (*left, *right)]):
        if [each.keys() for each, _ in left] != [each.keys() for each, _ in right]:
            findings.excuse(left[0][1], (ExcuseReason.STRUCTURE_ONLY,))
        one, other = (
            [(each[name], path.key(name, in_map=True)) for each, path in side for name in each]
            for side in (left, right)
        )
        return [(one, other)] if one and other else []
    found: list[tuple[list[Placed], list[Placed]]] = []
    for name in names:
        one, other = ([(each[name], path.key(name)) for each, path in side if name in each] for side in (left, right))
        if one and other:
            found.append((one, other))
        if not one and not rule.allow_extra:
            findings.body(other[0][1], DifferenceKind.EXTRA, ABSENT, other[0][0])
        elif one and (not other or (len(one) == len(left) and len(other) < len(right))):
            findings.body(one[0][1], DifferenceKind.MISSING, one[0][0], ABSENT)
    return found


def _elements(
    theirs: list[Placed], ours: list[Placed], findings: DifferenceCollector
) -> list[tuple[list[Placed], list[Placed]]]:
    left = [(value, path) for value, path in theirs if isinstance(value, list)]
    right = [(value, path) for value, path in ours if isinstance(value, list)]
    if [len(each) for each, _ in left] != [len(each) for each, _ in right]:
        findings.excuse(theirs[0][1], (ExcuseReason.STRUCTURE_ONLY,))
    one, other = (
        [(value, path.index(at)) for each, path in side for at, value in enumerate(each)] for side in (left, right)
    )
    return [(one, other)] if one and other else []


def _scalars(values: list[Placed]) -> list[Json]:
    return [value for value, _ in values if not isinstance(value, (dict, list))]

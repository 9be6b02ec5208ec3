"""Walk two documents side by side, iteratively, into what is not the same."""

from decimal import Decimal
from typing import Final

from .arrays import Alignment, align
from .documents import DEPTH_CAP, NODES_CAP
from .findings import ABSENT, Findings, Unverified
from .ids import is_map
from .model import Json, Kind, NotANumber
from .paths import ROOT, Path
from .sameness import Differing, differing, differing_or_hiding_booleans
from .volatile import NUMBERS, Volatile, changed_format

_TYPES: Final[dict[type, str]] = {
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


def walk(primary: Json, shadow: Json, *, booleans: bool, volatile: Volatile, findings: Findings) -> None:
    """Report the differences between two documents.

    `booleans` says whether one may stand where the other has a number, which Python holds equal.
    Raises Unverified past NODES_CAP; what lies deeper than DEPTH_CAP is left out and noted.
    """
    find = differing_or_hiding_booleans if booleans else differing
    todo: list[tuple[Json, Json, Path]] = [(primary, shadow, ROOT)]
    nodes = 0
    while todo:
        theirs, ours, path = todo.pop()
        if path.depth > DEPTH_CAP:
            findings.detail = f"the bodies differ more than {DEPTH_CAP} levels deep"
        elif isinstance(theirs, dict) and isinstance(ours, dict):
            nodes = _spend(nodes, len(theirs) + len(ours))
            todo.extend(reversed(_members(theirs, ours, path, find, findings)))
        elif isinstance(theirs, list) and isinstance(ours, list):
            nodes = _spend(nodes, len(theirs) + len(ours))
            alignment = align(theirs, ours, find, volatile)
            todo.extend(reversed(_elements(theirs, ours, path, alignment, findings)))
        else:
            _values(theirs, ours, path, volatile, findings)


def _members(
    theirs: dict[str, Json], ours: dict[str, Json], path: Path, find: Differing, findings: Findings
) -> list[tuple[Json, Json, Path]]:
    data = is_map(theirs, ours)
    names = list(theirs)
    if theirs.keys() == ours.keys():
        unequal = find(list(theirs.values()), [ours[name] for name in names])
    else:
        names = [name for name in names if name in ours]
        for name, value in theirs.items():
            if name not in ours:
                findings.body(path.key(name, any=data), Kind.MISSING, value, ABSENT)
        for name, value in ours.items():
            if name not in theirs:
                findings.body(path.key(name, any=data), Kind.EXTRA, ABSENT, value)
        unequal = find([theirs[name] for name in names], [ours[name] for name in names])
    return [(theirs[names[at]], ours[names[at]], path.key(names[at], any=data)) for at in unequal]


def _elements(
    theirs: list[Json], ours: list[Json], path: Path, alignment: Alignment, findings: Findings
) -> list[tuple[Json, Json, Path]]:
    if alignment.reordered:
        findings.body(path, Kind.ORDER, theirs, ours)
    if alignment.resized is not None:
        findings.described(path, Kind.SIZE, *alignment.resized)
    for at in alignment.missing:
        findings.body(path.index(at), Kind.MISSING, theirs[at], ABSENT)
    for at in alignment.extra:
        findings.body(path.index(at), Kind.EXTRA, ABSENT, ours[at])
    return [(theirs[left], ours[right], path.index(left)) for left, right in alignment.pairs]


def _values(theirs: Json, ours: Json, path: Path, volatile: Volatile, findings: Findings) -> None:
    if _TYPES[type(theirs)] != _TYPES[type(ours)]:
        findings.body(path, Kind.TYPE, theirs, ours)
        return
    if theirs == ours:  # 1 and 1.0
        return
    if isinstance(theirs, str) and isinstance(ours, str):
        reasons = volatile.excuse(theirs, ours)
    elif isinstance(theirs, NUMBERS) and isinstance(ours, NUMBERS):
        reasons = volatile.excuse_number(theirs, ours)
    else:
        reasons = ()
    if reasons and findings.admits(path.group(), reasons):
        findings.excuse(path, reasons)
    else:
        findings.body(path, Kind.TYPE if changed_format(theirs, ours) else Kind.VALUE, theirs, ours)


def _spend(nodes: int, more: int) -> int:
    nodes += more
    if nodes > NODES_CAP:
        raise Unverified(f"the bodies differ and have more than {NODES_CAP:,} nodes to compare")
    return nodes

"""Two bodies as rows that belong together, so that they can be shown side by side. Pure.

JSON documents are laid out together: members stand beside their namesakes whatever their order, elements of arrays
beside those that are the same or have the same id. Text goes line by line.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeGuard, cast

from darklaunch_comparator.compare import IDENTITY_MEMBERS
from darklaunch_comparator.places import write_step

SAME, DIFFERS, LEFT, RIGHT = " ", "≠", "<", ">"

INLINE_CHARS: Final = 32
DEEPEST: Final = 100
"""Deeper levels are shown on one line."""
_MATCHED_AT_MOST: Final = 1_000
"""Longer arrays and texts, less what they share at both ends, are laid out by position."""
_MANY: Final = 64


@dataclass(frozen=True, slots=True)
class SideBySideRow:
    """One line of either side; None where a side has none. `place` is a JSONPath, or `line 7`."""

    left: str | None
    right: str | None
    place: str
    mark: str


class _Number(str):
    """A number as it was written: nothing is rounded in showing it."""


class _Object(list[tuple[str, Any]]):
    """An object as the pairs that it was written in, doubles included."""


def parse_document(text: str) -> Any:
    """Read a JSON document for `json_rows`. Raises ValueError when it is none, or nested too deep to read."""
    try:
        return _READER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def align_documents(left: Any, right: Any) -> list[SideBySideRow]:
    """Lay out two documents that `parse` gave."""
    return list(_both(left, right, "$", "", 0))


def align_lines(left: Sequence[str], right: Sequence[str]) -> list[SideBySideRow]:
    """Lay out two texts, given as lines."""
    rows: list[SideBySideRow] = []
    for one, other, mark in _aligned(left, right, _nameless):
        number = (one if one is not None else other or 0) + 1
        rows.append(
            SideBySideRow(
                None if one is None else left[one], None if other is None else right[other], f"line {number:,}", mark
            )
        )
    return rows


def _both(left: Any, right: Any, path: str, label: str, depth: int) -> Iterator[SideBySideRow]:
    """Lay out what stands at one place on both sides."""
    indent = "  " * depth
    if isinstance(left, _Object) and isinstance(right, _Object) and (left or right) and depth < DEEPEST:
        yield SideBySideRow(f"{indent}{label}{{", f"{indent}{label}{{", path, SAME)
        yield from _members(left, right, path, depth + 1)
        yield SideBySideRow(f"{indent}}}", f"{indent}}}", path, SAME)
        return
    one, other = _inline(left, depth), _inline(right, depth)
    if one is None and other is None and _is_array(left) and _is_array(right):
        yield SideBySideRow(f"{indent}{label}[", f"{indent}{label}[", path, SAME)
        yield from _elements(left, right, path, depth + 1)
        yield SideBySideRow(f"{indent}]", f"{indent}]", path, SAME)
    elif one is not None and other is not None:
        mark = SAME if _same(left, right) else DIFFERS
        yield SideBySideRow(f"{indent}{label}{one}", f"{indent}{label}{other}", path, mark)
    else:
        yield from _beside(list(_lines(left, label, depth)), list(_lines(right, label, depth)), path)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and not isinstance(value, _Object)


def _members(left: _Object, right: _Object, path: str, depth: int) -> Iterator[SideBySideRow]:
    ours: dict[str, list[Any]] = {}
    for name, value in right:
        ours.setdefault(name, []).append(value)
    theirs = {name for name, _ in left}
    # What only the shadow has stands behind the member that it follows there.
    behind: dict[str, list[tuple[str, Any]]] = {}
    anchor = ""
    for name, value in right:
        if name in theirs:
            anchor = name
        else:
            behind.setdefault(anchor, []).append((name, value))
    following = behind.pop("", [])
    for name, value in left:
        place, label = path + write_step(name), f"{_quoted(name)}: "
        if twins := ours.get(name):
            yield from _only(RIGHT, following, path, depth)
            yield from _both(value, twins.pop(0), place, label, depth)
            following = behind.pop(name, [])
        else:  # and what it may have been renamed to stands below it
            yield from _one(LEFT, value, place, label, depth)
    yield from _only(RIGHT, following, path, depth)
    yield from _only(RIGHT, [(name, twin) for name in ours if name in theirs for twin in ours[name]], path, depth)


def _elements(left: list[Any], right: list[Any], path: str, depth: int) -> Iterator[SideBySideRow]:
    for one, other, _ in _aligned([_written(each) for each in left], [_written(each) for each in right], _named):
        if one is not None and other is not None:
            yield from _both(left[one], right[other], f"{path}[{one}]", "", depth)
        elif one is not None:
            yield from _one(LEFT, left[one], f"{path}[{one}]", "", depth)
        elif other is not None:
            yield from _one(RIGHT, right[other], f"{path}[{other}]", "", depth)


def _only(mark: str, members: list[tuple[str, Any]], path: str, depth: int) -> Iterator[SideBySideRow]:
    for name, value in members:
        yield from _one(mark, value, path + write_step(name), f"{_quoted(name)}: ", depth)


def _one(mark: str, value: Any, path: str, label: str, depth: int) -> Iterator[SideBySideRow]:
    for line in _lines(value, label, depth):
        yield SideBySideRow(line, None, path, LEFT) if mark == LEFT else SideBySideRow(None, line, path, RIGHT)


def _beside(left: list[str], right: list[str], path: str) -> Iterator[SideBySideRow]:
    for at in range(max(len(left), len(right))):
        one, other = (lines[at] if at < len(lines) else None for lines in (left, right))
        mark = SAME if one == other else LEFT if other is None else RIGHT if one is None else DIFFERS
        yield SideBySideRow(one, other, path, mark)


def _lines(value: Any, label: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    inline = _inline(value, depth)
    if inline is not None:
        yield f"{indent}{label}{inline}"
    elif isinstance(value, _Object):
        yield f"{indent}{label}{{"
        for name, part in value:
            yield from _lines(part, f"{_quoted(name)}: ", depth + 1)
        yield f"{indent}}}"
    else:
        yield f"{indent}{label}["
        for part in cast(list[Any], value):
            yield from _lines(part, "", depth + 1)
        yield f"{indent}]"


def _inline(value: Any, depth: int) -> str | None:
    """Write a value on one line: a scalar, an empty or a small array of scalars; None for anything longer."""
    if _is_list(value):
        record = isinstance(value, _Object)
        if not value or depth >= DEEPEST:
            inner = "…" if value else ""
            return f"{{{inner}}}" if record else f"[{inner}]"
        if record or len(value) > INLINE_CHARS // 2 or any(isinstance(part, list) for part in value):
            return None
        written = f"[{', '.join(_scalar(part) for part in value)}]"
        return written if len(written) <= INLINE_CHARS else None
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, _Number):
        return str.__str__(value)
    return _quoted(value) if isinstance(value, str) else {None: "null", True: "true", False: "false"}[value]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _same(left: Any, right: Any) -> bool:
    """Say whether two values that fit a line are the same; 1 and 1.0 are."""
    if isinstance(left, _Number) and isinstance(right, _Number):
        return left == right or _exact(left) == _exact(right)
    if _is_list(left) and _is_list(right) and type(left) is type(right):
        return len(left) == len(right) and all(map(_same, left, right))
    return type(left) is type(right) and bool(left == right)


def _exact(number: _Number) -> Decimal | str:
    try:
        return Decimal(str(number))
    except InvalidOperation:
        return str(number)


def _written(value: Any) -> str:
    return "\n".join(_lines(value, "", 0))


def _named(written: str) -> str | None:
    """Find the line that names an element, as it is written: its id, uuid or key."""
    for line in written.split("\n", _MANY)[:_MANY]:
        if line.startswith(tuple(f'  "{name}": ' for name in IDENTITY_MEMBERS)):
            return line
    return None


def _nameless(_: str) -> None:
    return None


def _aligned(
    left: Sequence[str], right: Sequence[str], named: Callable[[str], str | None]
) -> Iterator[tuple[int | None, int | None, str]]:
    """Pair positions of two sequences: what is the same, what has the same name, else what stands at one place."""
    for tag, i1, i2, j1, j2 in _opcodes(left, right):
        if tag == "equal":
            yield from ((i1 + at, j1 + at, SAME) for at in range(i2 - i1))
            continue
        names = {name: at for at in range(j1, j2) if (name := named(right[at])) is not None}
        at = j1
        for one in range(i1, i2):
            twin = names.get(named(left[one]) or "") if names else at if at < j2 else None
            if twin is not None and twin >= at:
                yield from ((None, other, RIGHT) for other in range(at, twin))
                yield one, twin, DIFFERS
                at = twin + 1
            else:
                yield one, None, LEFT
        yield from ((None, other, RIGHT) for other in range(at, j2))


def _opcodes(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    inner_left, inner_right = left[start : len(left) - end], right[start : len(right) - end]
    codes = [("equal", 0, start, 0, start)] if start else []
    if max(len(inner_left), len(inner_right)) > _MATCHED_AT_MOST:
        codes.append(("replace", start, len(left) - end, start, len(right) - end))
    else:
        matcher = difflib.SequenceMatcher(None, inner_left, inner_right)
        codes += [(tag, start + a, start + b, start + c, start + d) for tag, a, b, c, d in matcher.get_opcodes()]
    if end:
        codes.append(("equal", len(left) - end, len(left), len(right) - end, len(right)))
    return codes


_READER: Final = json.JSONDecoder(
    object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_Number, strict=False
)

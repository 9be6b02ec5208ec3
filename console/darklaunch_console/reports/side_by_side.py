"""Pair the lines of two bodies, so that they can be shown side by side. Pure.

In JSON documents members are paired by name, whatever their order, and elements of arrays if they are equal or have
the same id. Text is paired line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any, Final, TypeGuard, cast

from darklaunch_comparator.compare import IDENTITY_MEMBERS
from darklaunch_comparator.places import write_step

from .align_sequences import DIFFERS, LEFT, RIGHT, SAME, align_sequences

INLINE_CHARS: Final = 32
DEEPEST: Final = 100
"""Deeper levels are shown as `…`."""
_SEARCHED_LINES: Final = 64
"""Lines of an element in which its identity is looked for."""


@dataclass(frozen=True, slots=True)
class SideBySideRow:
    """One line of either side; None where a side has none. `place` is a JSONPath, or `line 7`."""

    left: str | None
    right: str | None
    place: str
    mark: str


class _Number(str):
    """A number as it was written, so that showing it rounds nothing."""


class _Object(list[tuple[str, Any]]):
    """An object as its pairs in the order they were written, repeated names included."""


def parse_document(text: str) -> Any:
    """Parse a JSON document for `align_documents`. Raises ValueError if it is not JSON or nested too deep."""
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def align_documents(left: Any, right: Any) -> list[SideBySideRow]:
    """Return the rows of two documents that `parse_document` returned."""
    return list(_pair_values(left, right, "$", label="", depth=0))


def align_lines(left: Sequence[str], right: Sequence[str]) -> list[SideBySideRow]:
    """Return the rows of two texts, given as lines."""
    rows: list[SideBySideRow] = []
    for left_at, right_at, mark in align_sequences(left, right):
        number = (left_at if left_at is not None else right_at or 0) + 1
        left_line = None if left_at is None else left[left_at]
        right_line = None if right_at is None else right[right_at]
        rows.append(SideBySideRow(left_line, right_line, f"line {number:,}", mark))
    return rows


def _pair_values(left: Any, right: Any, path: str, *, label: str, depth: int) -> Iterator[SideBySideRow]:
    """Yield the rows of the values at one place of both documents."""
    indent = "  " * depth
    if isinstance(left, _Object) and isinstance(right, _Object) and (left or right) and depth < DEEPEST:
        yield SideBySideRow(f"{indent}{label}{{", f"{indent}{label}{{", path, SAME)
        yield from _pair_members(left, right, path, depth + 1)
        yield SideBySideRow(f"{indent}}}", f"{indent}}}", path, SAME)
        return
    left_inline, right_inline = _render_inline(left, depth), _render_inline(right, depth)
    if left_inline is None and right_inline is None and _is_array(left) and _is_array(right):
        yield SideBySideRow(f"{indent}{label}[", f"{indent}{label}[", path, SAME)
        yield from _pair_elements(left, right, path, depth + 1)
        yield SideBySideRow(f"{indent}]", f"{indent}]", path, SAME)
    elif left_inline is not None and right_inline is not None:
        mark = SAME if _are_equal(left, right) else DIFFERS
        yield SideBySideRow(f"{indent}{label}{left_inline}", f"{indent}{label}{right_inline}", path, mark)
    else:
        yield from _pair_by_position(list(_render(left, label, depth)), list(_render(right, label, depth)), path)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_array(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and not isinstance(value, _Object)


def _pair_members(left: _Object, right: _Object, path: str, depth: int) -> Iterator[SideBySideRow]:
    right_values: dict[str, list[Any]] = {}
    for name, value in right:
        right_values.setdefault(name, []).append(value)
    left_names = {name for name, _ in left}
    # A member that only the shadow has is shown after the member that it follows there.
    added: dict[str, list[tuple[str, Any]]] = {}
    anchor = ""
    for name, value in right:
        if name in left_names:
            anchor = name
        else:
            added.setdefault(anchor, []).append((name, value))
    following = added.pop("", [])
    for name, value in left:
        place, label = path + write_step(name), f"{_quote(name)}: "
        if counterparts := right_values.get(name):
            yield from _render_members(RIGHT, following, path, depth)
            yield from _pair_values(value, counterparts.pop(0), place, label=label, depth=depth)
            following = added.pop(name, [])
        else:  # what it may have been renamed to is shown below it
            yield from _render_one_side(LEFT, value, place, label=label, depth=depth)
    repeated = [(name, value) for name in right_values if name in left_names for value in right_values[name]]
    yield from _render_members(RIGHT, [*following, *repeated], path, depth)


def _pair_elements(left: list[Any], right: list[Any], path: str, depth: int) -> Iterator[SideBySideRow]:
    left_texts = ["\n".join(_render(element, "", 0)) for element in left]
    right_texts = ["\n".join(_render(element, "", 0)) for element in right]
    for left_at, right_at, _ in align_sequences(left_texts, right_texts, _find_identity):
        if left_at is not None and right_at is not None:
            yield from _pair_values(left[left_at], right[right_at], f"{path}[{left_at}]", label="", depth=depth)
        elif left_at is not None:
            yield from _render_one_side(LEFT, left[left_at], f"{path}[{left_at}]", label="", depth=depth)
        elif right_at is not None:
            yield from _render_one_side(RIGHT, right[right_at], f"{path}[{right_at}]", label="", depth=depth)


def _render_members(mark: str, members: list[tuple[str, Any]], path: str, depth: int) -> Iterator[SideBySideRow]:
    for name, value in members:
        yield from _render_one_side(mark, value, path + write_step(name), label=f"{_quote(name)}: ", depth=depth)


def _render_one_side(mark: str, value: Any, path: str, *, label: str, depth: int) -> Iterator[SideBySideRow]:
    for line in _render(value, label, depth):
        yield SideBySideRow(line, None, path, LEFT) if mark == LEFT else SideBySideRow(None, line, path, RIGHT)


def _pair_by_position(left: list[str], right: list[str], path: str) -> Iterator[SideBySideRow]:
    for left_line, right_line in zip_longest(left, right):
        if left_line == right_line:
            mark = SAME
        elif right_line is None:
            mark = LEFT
        else:
            mark = RIGHT if left_line is None else DIFFERS
        yield SideBySideRow(left_line, right_line, path, mark)


def _render(value: Any, label: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    inline = _render_inline(value, depth)
    if inline is not None:
        yield f"{indent}{label}{inline}"
    elif isinstance(value, _Object):
        yield f"{indent}{label}{{"
        for name, part in value:
            yield from _render(part, f"{_quote(name)}: ", depth + 1)
        yield f"{indent}}}"
    else:
        yield f"{indent}{label}["
        for part in cast(list[Any], value):
            yield from _render(part, "", depth + 1)
        yield f"{indent}]"


def _render_inline(value: Any, depth: int) -> str | None:
    """Return a scalar, an empty value or a small array of scalars on one line; None for anything longer."""
    if _is_list(value):
        is_object = isinstance(value, _Object)
        if not value or depth >= DEEPEST:
            inner = "…" if value else ""
            return f"{{{inner}}}" if is_object else f"[{inner}]"
        if is_object or len(value) > INLINE_CHARS // 2 or any(isinstance(part, list) for part in value):
            return None
        inline = f"[{', '.join(_render_scalar(part) for part in value)}]"
        return inline if len(inline) <= INLINE_CHARS else None
    return _render_scalar(value)


def _render_scalar(value: Any) -> str:
    if isinstance(value, _Number):
        return str.__str__(value)
    return _quote(value) if isinstance(value, str) else {None: "null", True: "true", False: "false"}[value]


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _are_equal(left: Any, right: Any) -> bool:
    """True if two values that fit on one line are equal; 1 and 1.0 are."""
    if isinstance(left, _Number) and isinstance(right, _Number):
        return left == right or _parse_exactly(left) == _parse_exactly(right)
    if _is_list(left) and _is_list(right) and type(left) is type(right):
        return len(left) == len(right) and all(map(_are_equal, left, right))
    return type(left) is type(right) and bool(left == right)


def _parse_exactly(number: _Number) -> Decimal | str:
    try:
        return Decimal(str(number))
    except InvalidOperation:
        return str(number)


def _find_identity(element: str) -> str | None:
    """Return the line of a rendered element that identifies it, such as its id, uuid or key; None without one."""
    for line in element.split("\n", _SEARCHED_LINES)[:_SEARCHED_LINES]:
        if line.startswith(tuple(f'  "{name}": ' for name in IDENTITY_MEMBERS)):
            return line
    return None


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number, parse_constant=_Number, strict=False
)

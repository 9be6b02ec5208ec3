"""Mask values in the text of a JSON document and leave every other byte of it as it was.

Nothing is parsed into objects and written again: numbers keep their digits, objects the order of their keys and the
keys they have twice. A text that breaks off, or is nested 100,000 deep, is masked as far as it goes.
"""

import json
import re
from collections.abc import Callable
from typing import Final

from darklaunch_comparator.credentials import is_credential
from darklaunch_comparator.places import PathPositions, advance, is_covered

from .mask_places import MaskPlaces
from .placeholders import Placeholders

_PIECE: Final = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SHOWN_LITERALS: Final = frozenset(("true", "false", "null"))
_OBJECT, _ARRAY, _LINES = range(3)
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class _Frame:
    """An object or array that is open: how far the paths were followed, whether all in it is masked, and where we are.

    `positions` belong to the object or array itself, `key` and `index` to the value that comes next in it.
    """

    __slots__ = ("covered", "index", "key", "kind", "positions", "wants_key")

    def __init__(self, kind: int, positions: PathPositions[None], *, covered: bool) -> None:
        self.kind = kind
        self.positions = positions
        self.covered = covered
        self.index = 0
        self.key = ""
        self.wants_key = kind == _OBJECT


class JsonTextMasker:
    """Masks JSON texts: values under names of credentials, and at the operator's places.

    `mask_text` masks a string that stands under another name, for what it may hold: a URL with a token, JSON in a
    string.
    """

    def __init__(self, placeholders: Placeholders, places: MaskPlaces, mask_text: Callable[[str], str]) -> None:
        self._placeholders = placeholders
        self._paths = places.paths
        self._mask_text = mask_text

    def mask(self, text: str, *, lines: bool = False) -> tuple[str, bool]:
        """Mask a document, or one document a line. The second value is False if the text is seen to be malformed."""
        start = self._paths.start()
        # The root is a frame like any other: of a document its one value, of lines an array.
        stack = [_Frame(_LINES, start, covered=is_covered(start))]
        out: list[str] = []
        copied = 0
        well_formed = True
        for match in _PIECE.finditer(text):
            piece, mark = match[0], text[match.start()]
            top = stack[-1]
            if mark in "{[":
                positions, covered = self._enter(top, lines=lines)
                stack.append(_Frame(_OBJECT if mark == "{" else _ARRAY, positions, covered=covered))
            elif mark in "}]":
                well_formed = well_formed and len(stack) > 1 and (top.kind == _OBJECT) == (mark == "}")
                if len(stack) > 1:
                    stack.pop()
                    stack[-1].index += stack[-1].kind == _LINES
            elif mark == ",":
                top.index += 1
                top.wants_key = top.kind == _OBJECT
            elif mark == ":":
                well_formed = well_formed and top.kind == _OBJECT
                top.wants_key = False
            elif top.wants_key and mark == '"':
                top.key = _decode_string(piece)
            else:
                well_formed = well_formed and not top.wants_key
                masked = self._mask_value(piece, top, lines=lines)
                if masked != piece:
                    out += (text[copied : match.start()], masked)
                    copied = match.end()
                top.index += top.kind == _LINES
        out.append(text[copied:])
        return "".join(out), well_formed and len(stack) == 1

    def _enter(self, top: _Frame, *, lines: bool) -> tuple[PathPositions[None], bool]:
        """Return the positions at the value that comes next, and whether all in it is masked."""
        if top.kind == _OBJECT:
            positions = advance(top.positions, top.key) if top.positions else top.positions
            covered = top.covered or is_credential(top.key)
        elif top.kind == _LINES and not lines:
            positions, covered = top.positions, top.covered
        else:
            positions = advance(top.positions, top.index) if top.positions else top.positions
            covered = top.covered
        return positions, covered or (bool(positions) and is_covered(positions))

    def _mask_value(self, raw: str, top: _Frame, *, lines: bool) -> str:
        _, covered = self._enter(top, lines=lines)
        if raw[0] == '"':
            if not covered and not ("=" in raw or ":" in raw or "<" in raw):
                return raw
            value = _decode_string(raw)
            masked = self._placeholders.for_text(value) if covered else self._mask_text(value)
            return raw if masked == value else json.dumps(masked, ensure_ascii=True)
        if not covered or raw in _SHOWN_LITERALS:
            return raw
        is_number = _NUMBER.fullmatch(raw) is not None
        return f'"{self._placeholders.for_number(raw) if is_number else self._placeholders.for_text(raw)}"'


def _decode_string(raw: str) -> str:
    if "\\" not in raw:
        return raw[1:-1] if len(raw) > 1 and raw[-1] == '"' else raw[1:]
    try:
        value = json.loads(raw, strict=False)
    except ValueError:  # it breaks off, or has an escape that JSON does not know
        return raw.strip('"')
    return str(value)

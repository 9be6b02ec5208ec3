"""Mask values in the text of a JSON document and leave every other byte of it as it was.

Nothing is parsed into objects and written again: numbers keep their digits, keys their order and their doubles, and a
text that breaks off, or is nested 100,000 deep, is masked as far as it goes.
"""

import json
import re
from collections.abc import Callable
from typing import Final

from .credential_names import is_credential
from .mask_places import MaskPlaces, State
from .placeholders import Placeholders

_PIECE: Final = re.compile(r'"(?:[^"\\]+|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_KEPT: Final = frozenset(("true", "false", "null"))
_OBJECT, _ARRAY, _LINES = range(3)
_NUMBER: Final = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class _Frame:
    """An object or array that is open: how far the paths have come, whether all in it is masked, and where we are."""

    __slots__ = ("covered", "key", "kind", "position", "state", "wants_key")

    def __init__(self, kind: int, state: State, *, covered: bool) -> None:
        self.kind, self.state, self.covered = kind, state, covered
        self.position, self.key, self.wants_key = 0, "", kind == _OBJECT


class JsonTextMasker:
    """Masks JSON texts: values under names of credentials, and at the places given.

    `loose` masks a string that stands under another name, for what it may hold: a URL with a token, JSON in a string.
    """

    def __init__(self, tokens: Placeholders, places: MaskPlaces, loose: Callable[[str], str]) -> None:
        self._tokens, self._places, self._loose = tokens, places, loose

    def mask(self, text: str, *, lines: bool = False) -> tuple[str, bool]:
        """Mask a document, or one document a line; say whether it was well-formed, as far as one looked."""
        start = self._places.start()
        # The root is a frame like any other: of a document its one value, of lines an array.
        stack = [_Frame(_LINES, start, covered=self._places.covers(start))]
        out: list[str] = []
        done, sound = 0, True
        for piece in _PIECE.finditer(text):
            mark = text[piece.start()]
            top = stack[-1]
            if mark in "{[":
                stack.append(self._open(top, _OBJECT if mark == "{" else _ARRAY, lines=lines))
            elif mark in "}]":
                sound = sound and len(stack) > 1 and (top.kind == _OBJECT) == (mark == "}")
                if len(stack) > 1:
                    stack.pop()
                    stack[-1].position += stack[-1].kind == _LINES
            elif mark == ",":
                top.position += 1
                top.wants_key = top.kind == _OBJECT
            elif mark == ":":
                sound = sound and top.kind == _OBJECT
                top.wants_key = False
            elif top.wants_key and mark == '"':
                top.key = _decoded(piece[0])
            else:
                sound = sound and not top.wants_key
                masked = self._value(piece[0], top, lines=lines)
                if masked != piece[0]:
                    out += (text[done : piece.start()], masked)
                    done = piece.end()
                top.position += top.kind == _LINES
        out.append(text[done:])
        return "".join(out), sound and len(stack) == 1

    def _open(self, top: _Frame, kind: int, *, lines: bool) -> _Frame:
        state, covered = self._enter(top, lines=lines)
        return _Frame(kind, state, covered=covered)

    def _enter(self, top: _Frame, *, lines: bool) -> tuple[State, bool]:
        if top.kind == _OBJECT:
            state = self._places.step(top.state, top.key) if top.state else top.state
            covered = top.covered or is_credential(top.key)
        elif top.kind == _LINES and not lines:
            state, covered = top.state, top.covered
        else:
            state = self._places.step(top.state, top.position) if top.state else top.state
            covered = top.covered
        return state, covered or (bool(state) and self._places.covers(state))

    def _value(self, raw: str, top: _Frame, *, lines: bool) -> str:
        _, covered = self._enter(top, lines=lines)
        if raw[0] == '"':
            if not covered and not ("=" in raw or ":" in raw or "<" in raw):
                return raw
            value = _decoded(raw)
            masked = self._tokens.text(value) if covered else self._loose(value)
            return raw if masked == value else json.dumps(masked, ensure_ascii=True)
        if not covered or raw in _KEPT:
            return raw
        return f'"{self._tokens.number(raw) if _NUMBER.fullmatch(raw) else self._tokens.text(raw)}"'


def _decoded(raw: str) -> str:
    if "\\" not in raw:
        return raw[1:-1] if len(raw) > 1 and raw[-1] == '"' else raw[1:]
    try:
        value = json.loads(raw, strict=False)
    except ValueError:  # it breaks off, or has an escape that is none
        return raw.strip('"')
    return str(value)

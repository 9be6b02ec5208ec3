"""Places in bodies that are not JSON: in the trees of HTML and XML, and in the lines of other text.

    html/body/p[3]                           the text of the third `p`; `p` alone where there is only one
    html/body/p[3]/text()[2]                 its second text, where an element stands between two
    html/body/p[3]/#2                        the second number (or time, or id) in a text that is the same around them
    form/input[@name=csrf]/@value            an attribute; elements that have a name, an id or a heading are told by it
    table/tr[*]/td[3]                        the same cell of all rows, as differences are grouped
    /html                                    the root element
    line:took # ms                           a line of text, with its numbers, times and ids replaced (`line_shape`)
    html/head/script[1]/line:var id = #;     a line of a script

`PathIndex` sees each element as two tokens: its name and its position, or its label.
"""

import re
from typing import Final

from .json_place import shorten
from .place import Token

TEXT_PATH_CHARS: Final = 240
"""Longest path written; what is stored is never cut again."""
LINE: Final = "line:"
TEXT: Final = "text()"
PART: Final = "#"

_PLAIN: Final = re.compile(r"[^\s/\[\]'\"=]+")


class TextPlace:
    """A place in a body that is not JSON."""

    __slots__ = ("_tokens", "group_path", "path")

    def __init__(self, path: str, group_path: str, tokens: tuple[Token, ...]) -> None:
        self.path = shorten(path, TEXT_PATH_CHARS)
        self.group_path = shorten(group_path, TEXT_PATH_CHARS)
        self._tokens = tokens

    def tokens(self) -> tuple[Token, ...]:
        """List the steps from the root of the body down to this place."""
        return self._tokens

    def element(self, name: str, position: int, *, is_only: bool, is_listed: bool, label: str = "") -> "TextPlace":
        """Return the place of a child element.

        `position` counts its namesakes from 1; `is_only`: it has none. `is_listed`: it is one of a list whose length is
        data. `label` tells it from its namesakes, `@name=csrf`, and so stands for the position.
        """
        step = _write_name(name)
        if label:
            step += f"[{label}]"
            return self._down(step, step, f"<{name}", label)
        if is_listed:
            return self._down(f"{step}[{position}]", f"{step}[*]", f"<{name}", position)
        if not is_only:
            step += f"[{position}]"
        return self._down(step, step, f"<{name}", position)

    def attribute(self, name: str) -> "TextPlace":
        """Return the place of an attribute."""
        step = f"@{_write_name(name)}"
        return self._down(step, step, f"@{name}")

    def text(self, position: int) -> "TextPlace":
        """Return the place of one of several texts of an element."""
        step = f"{TEXT}[{position}]"
        return self._down(step, step, TEXT, position)

    def line(self, shape: str) -> "TextPlace":
        """Return the place of the lines of a shape."""
        step = LINE + shape
        return self._down(step, step, LINE, shape)

    def part(self, ordinal: int) -> "TextPlace":
        """Return the place of the number, time or id with this ordinal, from 1, in a text of several."""
        step = f"{PART}{ordinal}"
        return self._down(step, step, PART, ordinal)

    def _down(self, step: str, group_step: str, *tokens: Token) -> "TextPlace":
        if not self._tokens:
            mark = "" if step.startswith(LINE) else "/"  # /html: alone, a name could be anything
            return TextPlace(mark + step, mark + group_step, tokens)
        return TextPlace(
            f"{self.path}/{step}".removeprefix("/"),
            f"{self.group_path}/{group_step}".removeprefix("/"),
            (*self._tokens, *tokens),
        )


TOP: Final = TextPlace("", "", ())
"""Above the root element, or all lines."""


def write_label(kind: str, value: str) -> str:
    """Write what tells an element from its namesakes: `@name=csrf`, `th='Net total'`."""
    return f"{kind}={value}" if _PLAIN.fullmatch(value) else f"{kind}='{value}'"


def _write_name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) and len(name) <= TEXT_PATH_CHARS // 2 else shorten(repr(name), 60)

"""Places in a JSON document, written as RFC 9535 paths that people can read.

Names that look like identifiers use the shorthand (`.name`), all others the normalized form (`['a.b']`).
"""

import re
from hashlib import blake2b
from typing import Final

PATH_LENGTH: Final = 400
"""Longest path reported, in characters. A longer one ends in `…` and a digest, so that different places differ."""

_SHORTHAND: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ESCAPES: Final = {"'": "\\'", "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class JsonPath:
    """A place in a document: a link to the parent, and a key or an index.

    `written` has its indexes, `$.users[1].name`; `group` is index-free, `$.users[*].name`. A plain slotted class,
    because the walk makes one for each node it descends into.
    """

    __slots__ = ("depth", "group", "parent", "token", "written")

    def __init__(self, parent: "JsonPath | None", token: str | int, written: str, group: str) -> None:
        self.parent = parent
        self.token = token
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.written = written if len(written) <= PATH_LENGTH else _shortened(written)
        self.group = group if len(group) <= PATH_LENGTH else _shortened(group)

    def key(self, name: str, *, any: bool = False) -> "JsonPath":
        """Descend into an object; `any` when the object is a map whose keys are data."""
        step = segment(name)
        return JsonPath(self, name, self.written + step, self.group + ("[*]" if any else step))

    def index(self, position: int) -> "JsonPath":
        """Descend into an array."""
        return JsonPath(self, position, f"{self.written}[{position}]", f"{self.group}[*]")

    def tokens(self) -> list[str | int]:
        """List the keys and indexes from the root down to this place."""
        found: list[str | int] = []
        here = self
        while here.parent is not None:
            found.append(here.token)
            here = here.parent
        found.reverse()
        return found


ROOT: Final = JsonPath(None, "$", "$", "$")


def segment(token: str | int) -> str:
    """Write one step of a path: `.name`, `['a.b']` or `[3]`."""
    if isinstance(token, int):
        return f"[{token}]"
    if len(token) > PATH_LENGTH:  # a name of megabytes must cost neither time nor space
        token = _shortened(token)
    if _SHORTHAND.match(token):
        return f".{token}"
    return f"['{''.join([_escaped(char) for char in token])}']"


def _shortened(text: str) -> str:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{text[: PATH_LENGTH - 10]}…#{digest}"


def _escaped(char: str) -> str:
    short = _ESCAPES.get(char)
    if short is not None:
        return short
    if char.isprintable():
        return char
    code = ord(char)
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"

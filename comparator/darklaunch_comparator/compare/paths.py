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


class Path:
    """A place in a document: a link to the parent, and a key or an index.

    `any` says that the token is data (an array index, a map's key), written `[*]` in the index-free form. A plain
    slotted class, because the walk makes one for each node it descends into.
    """

    __slots__ = ("_written", "any", "depth", "parent", "token")

    def __init__(self, parent: "Path | None", token: str | int, *, any: bool) -> None:
        self.parent = parent
        self.token = token
        self.any = any
        self.depth: int = 0 if parent is None else parent.depth + 1
        self._written: tuple[str, str] | None = None if parent is not None else ("$", "$")

    def key(self, name: str, *, any: bool = False) -> "Path":
        """Descend into an object; `any` when the object is a map whose keys are data."""
        return Path(self, name, any=any)

    def index(self, position: int) -> "Path":
        """Descend into an array."""
        return Path(self, position, any=True)

    def tokens(self) -> list[str | int]:
        """List the keys and indexes from the root down to this place."""
        found: list[str | int] = []
        here = self
        while here.parent is not None:
            found.append(here.token)
            here = here.parent
        found.reverse()
        return found

    def written(self) -> tuple[str, str]:
        """Write the path with its indexes, `$.users[1].name`, and index-free, `$.users[*].name`.

        Each place remembers what it wrote: siblings share their parent's part, however long its names are.
        """
        unwritten: list[Path] = []
        here = self
        while here._written is None and here.parent is not None:
            unwritten.append(here)
            here = here.parent
        concrete, group = here._written or ("$", "$")
        for place in reversed(unwritten):
            step = segment(place.token)
            concrete, group = _bounded(concrete + step), _bounded(group + ("[*]" if place.any else step))
            place._written = concrete, group
        return concrete, group

    def group(self) -> str:
        """Write the index-free path."""
        return self.written()[1]


ROOT: Final = Path(None, "$", any=False)


def segment(token: str | int) -> str:
    """Write one step of a path: `.name`, `['a.b']` or `[3]`."""
    if isinstance(token, int):
        return f"[{token}]"
    if len(token) > PATH_LENGTH:  # a name of megabytes must cost neither time nor space
        token = _shortened(token)
    if _SHORTHAND.match(token):
        return f".{token}"
    return f"['{''.join([_escaped(char) for char in token])}']"


def _bounded(path: str) -> str:
    return path if len(path) <= PATH_LENGTH else _shortened(path)


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

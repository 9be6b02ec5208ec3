"""Places in a JSON document, written as RFC 9535 paths that people can read.

Names that look like identifiers use the shorthand (`.name`), all others the normalized form (`['a.b']`).
"""

import re
from hashlib import blake2b
from typing import Final

from .place import Token

PATH_CHARS: Final = 400
"""Longest path written. A longer one ends in `…` and a digest, so that the paths of different places differ."""

_SHORTHAND: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ESCAPES: Final = {"'": "\\'", "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class JsonPlace:
    """A place in a JSON document: a link to its parent, and a key or an index.

    `path` has its indexes, `$.users[1].name`; in `group_path` they are wildcards, `$.users[*].name`.
    """

    # A plain class with slots, because the walk creates one for each node it descends into.
    __slots__ = ("depth", "group_path", "parent", "path", "token")

    def __init__(self, parent: "JsonPlace | None", token: Token, path: str, group_path: str) -> None:
        self.parent = parent
        self.token = token
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.path = path if len(path) <= PATH_CHARS else shorten(path)
        self.group_path = group_path if len(group_path) <= PATH_CHARS else shorten(group_path)

    def key(self, name: str, *, in_map: bool = False) -> "JsonPlace":
        """Return the place of a member; `in_map` if the object is a map whose keys are data."""
        step = write_step(name)
        return JsonPlace(self, name, self.path + step, self.group_path + ("[*]" if in_map else step))

    def index(self, position: int) -> "JsonPlace":
        """Return the place of an array's element."""
        return JsonPlace(self, position, f"{self.path}[{position}]", f"{self.group_path}[*]")

    def tokens(self) -> list[Token]:
        """List the keys and indexes from the root down to this place."""
        tokens: list[Token] = []
        place = self
        while place.parent is not None:
            tokens.append(place.token)
            place = place.parent
        tokens.reverse()
        return tokens


ROOT: Final = JsonPlace(None, "$", "$", "$")
"""The whole body, whatever it is."""


def write_step(token: Token) -> str:
    """Write one step of a path: `.name`, `['a.b']` or `[3]`."""
    if isinstance(token, int):
        return f"[{token}]"
    if len(token) > PATH_CHARS:  # a name of megabytes must cost neither time nor space
        token = shorten(token)
    if _SHORTHAND.match(token):
        return f".{token}"
    return f"['{''.join([_escape(char) for char in token])}']"


def shorten(text: str, limit: int = PATH_CHARS) -> str:
    """Return a text, or its start and a digest if it is longer than a limit."""
    if len(text) <= limit:
        return text
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{text[: limit - 10]}…#{digest}"


def _escape(char: str) -> str:
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

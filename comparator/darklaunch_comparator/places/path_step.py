"""One step of a rule's path, and the error of a path that cannot be read."""

from dataclasses import dataclass

from darklaunch_comparator.errors import BadRules


class BadPath(BadRules, ValueError):
    """A path cannot be read; the message says what is wrong, in which column, and what to write instead."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of a path: a name, an index, or None for `*`; `deep` if any number of levels may lie before it."""

    token: str | int | None
    deep: bool


def quote_path(path: str) -> str:
    """Write a path in double quotes for a message, cut and printable."""
    text = path if len(path) <= 80 else path[:80] + "…"
    return '"' + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text) + '"'

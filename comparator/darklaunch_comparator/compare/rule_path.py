"""The paths that rules are written with.

One syntax, a subset of RFC 9535: `$.a.b`, `$['a.b']`, `$.items[*].x`, `$.items[0]`, `$..name`; beside it
`status` and `header:x-name` (`header:*` for all). A path covers its whole subtree.
"""

import re
from dataclasses import dataclass
from typing import Final

PATH_CHARS: Final = 1000
"""Longest path of a rule; those that reports print are shorter."""

_STEP: Final = re.compile(
    r"""
    (?P<deep>\.\.)?                                     # $..name: at any depth
    (?: (?P<dot>(?(deep)|\.)) (?: (?P<star>\*) | (?P<name>[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*) )
      | \[ \s* (?: (?P<any>\*) | (?P<index>0|[1-9]\d{0,14})
                 | '(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)" ) \s* \]
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_SHORT: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class BadPath(ValueError):
    """A path is not one that darklaunch understands; the message says what, where, and what to write instead."""


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of a path: a name, an index, or None for `*`; `deep` when any depth may lie before it."""

    token: str | int | None
    deep: bool


@dataclass(frozen=True, slots=True)
class RulePath:
    """What a rule's path names: the `status`, a `header` by its lower-case name (`*`: all), or places in the body.

    `steps` lead to the places in the body; None when the path names none. `$` has no steps: it is the whole body.
    """

    status: bool = False
    header: str = ""
    steps: tuple[PathStep, ...] | None = None


def parse_place(path: str) -> RulePath:
    """Read `status`, `header:x-name`, `header:*` or a body path. Raises BadPath."""
    path = path.strip()
    if path == "status":
        return RulePath(status=True)
    if path.startswith("header:"):
        return RulePath(header=_header(path))
    return RulePath(steps=parse_path(path))


def parse_path(path: str) -> tuple[PathStep, ...]:
    """Read a body path. Raises BadPath."""
    if not path.startswith("$"):
        raise BadPath(
            f"{_shown(path)} is not a path: start with $ for the body, as in $.items[*].price, "
            "or write status, or header:x-name."
        )
    if len(path) > PATH_CHARS:
        raise BadPath(f"{_shown(path)} is longer than the {PATH_CHARS} characters a path may have.")
    steps: list[PathStep] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise BadPath(f"{_shown(path)} cannot be read from column {at + 1} on: {_advice(path[at:])}")
        steps.append(PathStep(_token(found), found["deep"] is not None))
        at = found.end()
    return tuple(steps)


def _token(found: re.Match[str]) -> str | int | None:
    if found["star"] or found["any"]:
        return None
    if found["index"] is not None:
        return int(found["index"])
    if found["name"] is not None:
        return found["name"]
    quoted = found["single"] if found["single"] is not None else found["double"]
    text = _ESCAPE.sub(_unescaped, quoted)
    # \ud83d\ude00 names one character
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescaped(found: re.Match[str]) -> str:
    escape = found[1]
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _SHORT.get(escape, escape)


def _header(path: str) -> str:
    name = path.removeprefix("header:").strip().lower()
    if not _HEADER_NAME.match(name):
        raise BadPath(f"{_shown(path)} names no header: write header: and its name, as in header:etag.")
    return name


def _advice(rest: str) -> str:
    if rest.startswith("[?"):
        return "filters are not supported. Use names, indexes and [*], as in $.items[*].price."
    if rest.startswith("[-"):
        return "indexes from the end are not supported. Use an index from 0, or [*] for all elements."
    if rest.startswith("[") and ":" in rest[:20]:
        return "slices are not supported. Use an index from 0, or [*] for all elements."
    if rest.startswith("[") and "]" not in rest:
        return "the bracket is not closed. Write ['name'], [0] or [*]."
    if rest.startswith("["):
        return "a bracket holds one quoted name, one index or *. Write ['name'], [0] or [*]."
    if rest.startswith("."):
        return "a name is expected after the dot. Quote names with other characters, as in $['a.b']."
    return "a step starts with a dot or a bracket. Write $.name, $['a.b'], $.items[*] or $..name."


def _shown(path: str) -> str:
    text = path if len(path) <= 80 else path[:80] + "…"
    return '"' + "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text) + '"'

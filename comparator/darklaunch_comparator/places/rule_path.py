"""The paths that rules are written with.

For JSON a subset of RFC 9535: `$.a.b`, `$['a.b']`, `$.items[*].x`, `$.items[0]`, `$..name`; `$` is the body, any body.
For places in HTML, XML and other text: `html/body/p[2]`, `line:total = #` (`text_path`). Beside them `status` and
`header:x-name` (`header:*` for all). A path covers the places it names and all below them.
"""

import re
from dataclasses import dataclass
from typing import Final

from darklaunch_shared.wire.http_headers import TOKEN

from .path_step import BadPath, PathStep, quote_path
from .text_path import is_text_path, parse_text_path

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
_SHORT_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class RulePath:
    """What a rule's path names: the `status`, a `header` by its lower-case name (`*`: all), or places in the body.

    `steps` lead to the places in the body; None if the path names none. `$` has no steps: it is the whole body.
    """

    status: bool = False
    header: str = ""
    steps: tuple[PathStep, ...] | None = None


def parse_rule_path(path: str) -> RulePath:
    """Parse `status`, `header:x-name`, `header:*` or a path of the body. Raises BadPath."""
    path = path.strip()
    if path == "status":
        return RulePath(status=True)
    if path.startswith("header:"):
        return RulePath(header=_parse_header(path))
    return RulePath(steps=parse_body_path(path))


def parse_body_path(path: str) -> tuple[PathStep, ...]:
    """Parse a path of the body into its steps. Raises BadPath."""
    if len(path) > PATH_CHARS:
        raise BadPath(f"{quote_path(path)} is longer than the {PATH_CHARS} characters a path may have.")
    if is_text_path(path):
        return parse_text_path(path)
    if not path.startswith("$"):
        raise BadPath(
            f"{quote_path(path)} is not a path: start with $ for the body, as in $.items[*].price, "
            "or write status, or header:x-name, or a place in text: html/body/p[2], line:total = #."
        )
    steps: list[PathStep] = []
    position = 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise BadPath(
                f"{quote_path(path)} cannot be read from column {position + 1} on: {_advise(path[position:])}"
            )
        steps.append(PathStep(_parse_token(match), match["deep"] is not None))
        position = match.end()
    return tuple(steps)


def _parse_token(match: re.Match[str]) -> str | int | None:
    if match["star"] or match["any"]:
        return None
    if match["index"] is not None:
        return int(match["index"])
    if match["name"] is not None:
        return match["name"]
    quoted = match["single"] if match["single"] is not None else match["double"]
    text = _ESCAPE.sub(_unescape, quoted)
    # \ud83d\ude00 names one character
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    return chr(int(escape[1:], 16)) if len(escape) == 5 else _SHORT_ESCAPES.get(escape, escape)


def _parse_header(path: str) -> str:
    name = path.removeprefix("header:").strip().lower()
    if not TOKEN.fullmatch(name):
        raise BadPath(f"{quote_path(path)} names no header: write header: and its name, as in header:etag.")
    return name


def _advise(rest: str) -> str:
    """Return what is wrong with a path from the column on at which it cannot be read."""
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

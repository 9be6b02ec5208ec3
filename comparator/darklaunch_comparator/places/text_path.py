"""The paths that rules name places in HTML, XML and other text with; see `TextPlace` for how they look.

A path covers the places it names and all below them: `html/body/p` covers every `p` there with its attributes,
`form/input[@name=csrf]` such an input anywhere, `line:took # ms` all lines of that shape. `*` stands for any element,
`[*]` for any of its namesakes, `//` for any number of levels. A path may begin at any element, `/html` at the root.
"""

import re
from typing import Final

from darklaunch_comparator.credentials import hide_secrets

from .line_shape import read_shape
from .path_step import BadPath, PathStep, quote_path
from .text_place import LINE, PART, TEXT, write_label

_STEP: Final = re.compile(
    r"""
      (?P<attribute>@(?:\*|[^\s/\[\]'"=@]+))
    | (?P<text>text\(\)) (?: \[ (?P<text_index>[1-9]\d{0,8}|\*) \] )?
    | \# (?P<part>[1-9]\d{0,8}|\*)?
    | (?P<name>\*|[^\W\d][\w.:-]*)
      (?: \[ (?: (?P<index>[1-9]\d{0,8}) | (?P<any>\*)
               | (?P<kind>@?[A-Za-z][\w.:-]*) =
                 (?: '(?P<quoted>[^']*)' | "(?P<double>[^"]*)" | (?P<plain>[^\s/\[\]'"]+) )
          ) \] )?
    """,
    re.VERBOSE,
)
_LINE_PART: Final = re.compile(r"/#([1-9]\d{0,8})\Z")
_EXAMPLE: Final = "html/body/p[2] or form/input[@name=email]/@value"


def is_text_path(path: str) -> bool:
    """True if a path is written as one of a place in text, whether or not it can be read."""
    return path.startswith(LINE) or ("/" in path and not path.startswith(("$", "header:")))


def parse_text_path(path: str) -> tuple[PathStep, ...]:
    """Parse a path of a place in text into its steps. Raises BadPath."""
    steps: list[PathStep] = []
    position, is_deep = 0, True
    if path.startswith("/") and not path.startswith("//"):
        position, is_deep = 1, False
    elif path.startswith("//"):
        position = 2
    while True:
        if path.startswith(LINE, position):
            return (*steps, *_parse_line(path[position + len(LINE) :], is_deep=is_deep))
        match = _STEP.match(path, position)
        if match is None or match.end() == position:
            raise BadPath(
                f"{quote_path(path)} cannot be read from column {position + 1} on: {_advise(path[position:])}"
            )
        if match["attribute"]:
            name = match["attribute"]
            steps.append(PathStep(None if name == "@*" else name, is_deep))
        elif match["text"]:
            steps.append(PathStep(TEXT, is_deep))
            if match["text_index"] is not None:
                steps.append(PathStep(None if match["text_index"] == "*" else int(match["text_index"]), False))
        elif match["name"] is None:
            steps.append(PathStep(PART, is_deep))
            if match["part"] and match["part"] != "*":
                steps.append(PathStep(int(match["part"]), False))
        else:
            steps.append(PathStep(None if match["name"] == "*" else f"<{match['name']}", is_deep))
            steps.append(PathStep(_read_selector(match), False))
        position = match.end()
        if position == len(path):
            return tuple(steps)
        if path[position] != "/":
            raise BadPath(
                f"{quote_path(path)} cannot be read from column {position + 1} on: {_advise(path[position:])}"
            )
        is_deep = path.startswith("//", position)
        position += 2 if is_deep else 1


def _read_selector(match: re.Match[str]) -> str | int | None:
    if match["index"] is not None:
        return int(match["index"])
    if match["kind"] is None:
        return None
    values = (match["quoted"], match["double"], match["plain"])
    return write_label(match["kind"], next(value for value in values if value is not None))


def _parse_line(text: str, *, is_deep: bool) -> list[PathStep]:
    """Parse what stands behind `line:`: a line as it is, its shape, or `*`; behind `/#` one of its parts."""
    part = _LINE_PART.search(text)
    shape = read_shape(hide_secrets(text[: part.start()] if part else text)).name
    steps = [PathStep(LINE, is_deep)]
    if shape != "*":
        steps.append(PathStep(shape, False))
    elif part:
        steps.append(PathStep(None, False))
    return [*steps, PathStep(PART, False), PathStep(int(part[1]), False)] if part else steps


def _advise(rest: str) -> str:
    """Return what is wrong with a path from the column on at which it cannot be read."""
    if not rest:
        return f"it ends after a slash. Name an element, @attribute or line:, as in {_EXAMPLE}."
    if rest.startswith("[0]"):
        return "elements are counted from 1. Write p[1], or p[*] for all of them."
    if rest.startswith("[") and "]" not in rest:
        return "the bracket is not closed. Write p[3], p[*] or input[@name=email]."
    if rest.startswith("["):
        return "a bracket holds a number, *, or what tells elements apart. Write p[3], p[*] or input[@name=email]."
    if rest.startswith("."):
        return "CSS selectors are not supported. Write the path of the element as reports print it."
    return f"a step is an element, @attribute, text(), # or line:, as in {_EXAMPLE}."

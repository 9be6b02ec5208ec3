"""Lines of a frame: spans of (text, style), measured in columns. Pure."""

from __future__ import annotations

from darklaunch_console.output.screen import StyledLine
from darklaunch_console.output.table import measure_width, split_at

Line = tuple[StyledLine, ...]


def make_line(text: str, style: str = "") -> Line:
    """Return a line of one span."""
    return ((text, style),)


def strip_styles(line: Line) -> str:
    """Return a line as plain text."""
    return "".join(text for text, _ in line).rstrip()


def clip_line(line: Line, columns: int) -> Line:
    """Return a line without what is past a number of columns."""
    clipped: list[StyledLine] = []
    for text, style in line:
        room = columns - sum(measure_width(span) for span, _ in clipped)
        clipped.append((text if measure_width(text) <= room else split_at(text, room)[0], style))
    return tuple(clipped)


def shorten_line(text: str, columns: int) -> str:
    """Return a text cut to a number of columns, with an ellipsis where something is missing."""
    return text if measure_width(text) <= columns else f"{split_at(text, columns - 1)[0]}…"


def wrap_line(text: str, columns: int) -> list[str]:
    """Return a text as lines of at most a number of columns, broken at spaces."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if measure_width(joined) <= columns:
            lines[-1] = joined
        else:
            lines.append(shorten_line(word, columns))
    return lines

"""Writing to the terminal: colour only where a person looks, plain text in a pipe, JSON when asked."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import click
from darklaunch_shared.process.safe_json import dump_safe_json

from .table import measure_width, split_at
from .text import escape_unprintable

F = TypeVar("F", bound=Any)

GOOD, BAD, WARN, QUIET, STRONG = "green", "red", "yellow", "bright_black", "bold"

StyledLine = tuple[str, str]
"""A line and the style that it is printed in, "" for none."""


def json_option(function: F) -> F:
    """Add the option --json to a command."""
    return click.option("--json", "in_json", is_flag=True, help="Print JSON instead of text.")(function)


def print_line(line: str = "", *, style: str = "") -> None:
    """Print a line. Colours are left out when stdout is no terminal or NO_COLOR is set."""
    click.echo(style_text(line, style))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        print_line(line)


def print_styled(lines: Iterable[StyledLine]) -> None:
    """Print lines, each in its style."""
    for text, style in lines:
        print_line(text, style=style)


def print_warning(line: str) -> None:
    """Print a warning on stderr, which is no part of the result."""
    click.echo(style_text(f"Warning: {line}", WARN), err=True)


def print_json(value: Any) -> None:
    """Print a JSON document, its keys in the order they were given."""
    click.echo(dump_safe_json(value, indent=True, default=_encode))


def print_paged(lines: Sequence[StyledLine]) -> None:
    """Print lines, through a pager where the terminal has fewer."""
    if sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size((80, 24)).lines:
        click.echo_via_pager("\n".join(style_text(text, style) for text, style in lines))
        return
    print_styled(lines)


def terminal_width(at_most: int = 100) -> int:
    """Return how wide a line may be: the terminal's width, 80 where there is none; 40 to `at_most`."""
    return max(40, min(at_most, shutil.get_terminal_size((80, 24)).columns))


def wrap_text(text: str, indent: str = "", more: str = "") -> list[str]:
    """Return printable text as lines that fit the terminal, indented by `indent`, all but the first by `more` too."""
    lines: list[str] = []
    line, room = "", terminal_width() - measure_width(indent)
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        while measure_width(joined) > room:
            head, joined = (line, word) if line else split_at(joined, room)
            lines.append(head)
            line, room = "", terminal_width() - measure_width(indent + more)
        line = joined
    lines.append(line)
    return [f"{indent}{more if number else ''}{line}" for number, line in enumerate(lines)]


def style_text(text: str, style: str) -> str:
    """Return a text with the escape codes of a style; `click.echo` removes them where colours are not wanted."""
    if not style:
        return text
    return click.style(text, bold=True) if style == STRONG else click.style(text, fg=style)


def make_printable(value: bytes | str, limit: int = 200) -> str:
    """Return captured text as one printable line of at most `limit` characters."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    shown = escape_unprintable(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _encode(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    raise TypeError(f"{type(value).__name__} has no JSON form")

"""Writing to the terminal: colour only where a person looks, plain text in a pipe, JSON when asked."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import Any, TypeVar

import click
import orjson

from .table import measure_width, split_at
from .text import escape_unprintable

F = TypeVar("F", bound=Any)

GOOD, BAD, WARN, QUIET, STRONG = "green", "red", "yellow", "bright_black", "bold"


def json_option(function: F) -> F:
    """Give a command the option --json."""
    return click.option("--json", "in_json", is_flag=True, help="Print JSON instead of text.")(function)


def print_line(line: str = "", *, style: str = "") -> None:
    """Print a line. Colours are left out when stdout is no terminal, or the context says so (NO_COLOR)."""
    click.echo(style_text(line, style))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        print_line(line)


def print_warning(line: str) -> None:
    """Print a line that is no result on stderr."""
    click.echo(style_text(f"Warning: {line}", WARN), err=True)


def print_json(value: Any) -> None:
    """Print a JSON document: keys in the order they were given, which is the same in every run."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_plain))


def print_paged(lines: list[tuple[str, str]]) -> None:
    """Print lines, each a text and its style; on a terminal that is shorter than they are, through a pager."""
    if sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size((80, 24)).lines:
        click.echo_via_pager("\n".join(style_text(text, style) for text, style in lines))
        return
    for text, style in lines:
        print_line(text, style=style)


def terminal_width(at_most: int = 100) -> int:
    """Give how wide a line may be: the terminal's width, 80 where there is none; 40 at least."""
    return max(40, min(at_most, shutil.get_terminal_size((80, 24)).columns))


def wrap_text(text: str, indent: str = "", more: str = "") -> list[str]:
    """Break printable text into lines that fit the terminal, the first indented by `indent`, others by `more` too."""
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
    """Dress a text in a colour; taken off again where colours are not wanted."""
    if not style:
        return text
    return click.style(text, bold=True) if style == STRONG else click.style(text, fg=style)


def make_printable(value: bytes | str, limit: int = 200) -> str:
    """Make captured text printable on one line and not longer than `limit` characters."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    shown = escape_unprintable(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    raise TypeError(f"{type(value).__name__} has no JSON form")

"""Tables: columns as wide as their widest cell, figures to the right, no lines drawn, nothing cut off."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

GAP = "   "


def render_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), gap: str = GAP
) -> list[str]:
    """Lay out rows under their head; `left` are the columns of words, the others hold figures.

    Cells must be printable already. Returns the lines, without trailing spaces.
    """
    grid = [list(head), *(list(row) for row in rows)]
    widths = [max(measure_width(row[column]) for row in grid) for column in range(len(head))]
    return [
        gap.join(_pad(cell, widths[column], to_the_left=column in left) for column, cell in enumerate(row)).rstrip()
        for row in grid
    ]


def measure_width(text: str) -> int:
    """Count the terminal columns a text takes: two for wide characters, none for combining ones (UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def split_at(text: str, columns: int) -> tuple[str, str]:
    """Split off what fits so many columns of a terminal."""
    if text.isascii():
        return text[:columns], text[columns:]
    at, taken = 0, 0
    while at < len(text) and taken + measure_width(text[at]) <= columns:
        taken += measure_width(text[at])
        at += 1
    return text[:at], text[at:]


def _pad(text: str, columns: int, *, to_the_left: bool) -> str:
    space = " " * (columns - measure_width(text))
    return text + space if to_the_left else space + text

"""Tables: columns as wide as their widest cell, figures to the right, no lines drawn, nothing cut off."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

GAP = "   "


def render_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), gap: str = GAP
) -> list[str]:
    """Return rows under their head; `left` are the columns of words, the others hold figures.

    Cells must be printable already. Lines have no trailing spaces.
    """
    grid = [list(head), *(list(row) for row in rows)]
    widths = [max(measure_width(row[column]) for row in grid) for column in range(len(head))]
    return [
        gap.join(_pad(cell, widths[column], to_the_left=column in left) for column, cell in enumerate(row)).rstrip()
        for row in grid
    ]


def render_wide_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), columns: int, gap: str = "  "
) -> list[str]:
    """Return the table; where it is wider than `columns`, each row's first cell stands on a line of its own.

    The last column then stands beside the first cell, if that column holds words.
    """
    lines = render_table(head, rows, left=left, gap=gap)
    if max(map(measure_width, lines)) <= columns:
        return lines
    last = len(head) - 1
    titles = [f"{row[0]}  {row[last]}" if last in left else row[0] for row in (head, *rows)]
    kept = range(1, last if last in left else last + 1)
    inner_left = [at - 1 for at in left if at in kept]
    inner = render_table(
        [head[at] for at in kept], [[row[at] for at in kept] for row in rows], left=inner_left, gap=gap
    )
    return [line for title, cells in zip(titles, inner, strict=True) for line in (title.rstrip(), f"  {cells}")]


def measure_width(text: str) -> int:
    """Return the terminal columns a text takes: two for wide characters, none for combining ones (UAX 11)."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def split_at(text: str, columns: int) -> tuple[str, str]:
    """Return the longest beginning of a text that fits so many terminal columns, and the rest."""
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

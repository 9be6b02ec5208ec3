"""Two responses line by line, as the page shows them: signs, line numbers, what is marked, and what is folded. Pure.

The sign says without colour what the colour says: − only the primary has it, + only the shadow, ~ another value,
≈ it differs and was excused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from darklaunch_console.output.text import escape_unprintable
from darklaunch_console.reports.align_sequences import DIFFERS, LEFT, RIGHT, SAME
from darklaunch_console.reports.columns import EXCUSED
from darklaunch_console.reports.side_by_side import SideBySideRow

CONTEXT: Final = 4
"""Equal lines that are shown on either side of a difference."""
SHORTEST_FOLD: Final = 3
LINES: Final = 400
"""Lines that a page shows of one pair of bodies."""
CHARS: Final = 2_000
"""Characters shown of a line; of a longer one what stands around the difference."""
BEFORE_MARK: Final = 80
LONGEST_WORD: Final = 40
"""Characters up to which a mark is made longer to the end of a word."""

_WORD_END: Final = re.compile(r"[\w.+-]+\Z")
_WORD_START: Final = re.compile(r"[\w.+-]+")

_STYLES: Final = {SAME: "same", DIFFERS: "differs", LEFT: "missing", RIGHT: "extra", EXCUSED: "ignored"}
SIGNS: Final = {"same": "", "differs": "~", "missing": "−", "extra": "+", "ignored": "≈"}


@dataclass(frozen=True, slots=True)
class SideCell:
    """One side of a line: its number (None in headers), and its text in three parts, the middle one marked."""

    number: int | None
    before: str
    marked: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class SideLine:
    """One line of the comparison.

    style  same, differs, missing (only the primary has it), extra (only the shadow has it), ignored, or fold
    left, right  None where that side has nothing
    folded  how many equal lines a fold stands for
    why  why a difference was excused
    """

    style: str
    left: SideCell | None = None
    right: SideCell | None = None
    folded: int = 0
    why: str = ""

    @property
    def sign(self) -> str:
        """The sign that stands before both texts."""
        return SIGNS.get(self.style, "")


def draw_lines(
    rows: Sequence[SideBySideRow], reasons: Mapping[str, str], *, numbered: bool = True, whole: bool = False
) -> tuple[list[SideLine], int]:
    """Return the lines to show, and how many were left out at the end.

    `reasons` are those of excuses, by place without indexes. `whole` shows equal lines that are otherwise folded.
    """
    lines: list[SideLine] = []
    left_number = right_number = 0
    shown = set(range(len(rows))) if whole else _choose_rows(rows)
    folded = 0
    for at, row in enumerate(rows):
        left_number += row.left is not None
        right_number += row.right is not None
        if at not in shown:
            folded += 1
            continue
        if folded:
            lines.append(SideLine("fold", folded=folded))
            folded = 0
        if len(lines) >= LINES:
            return lines, len(rows) - at
        lines.append(_draw_line(row, reasons, (left_number, right_number) if numbered else (None, None)))
    if folded:
        lines.append(SideLine("fold", folded=folded))
    return lines, 0


def _choose_rows(rows: Sequence[SideBySideRow]) -> set[int]:
    """Return the rows that are shown: those that differ, with some around each; all where nothing differs but little.

    A gap of less than `SHORTEST_FOLD` rows is filled.
    """
    differing = [at for at, row in enumerate(rows) if row.mark != SAME]
    if not differing:
        return set(range(min(len(rows), 4 * CONTEXT)))
    shown: set[int] = set()
    for at in differing[: 4 * LINES]:
        shown.update(range(max(0, at - CONTEXT), min(len(rows), at + CONTEXT + 1)))
    edges = sorted(shown)
    for before, after in zip([-1, *edges], [*edges, len(rows)], strict=True):
        if 0 < after - before - 1 < SHORTEST_FOLD:
            shown.update(range(before + 1, after))
    return shown


def _draw_line(row: SideBySideRow, reasons: Mapping[str, str], numbers: tuple[int | None, int | None]) -> SideLine:
    style = _STYLES[row.mark]
    left, right = row.left, row.right
    start, from_left_end = 0, 0
    if style == "differs" and left is not None and right is not None:
        start, from_left_end = _measure_shared(left, right)
    marks = style in ("differs", "missing", "extra")
    return SideLine(
        style=style,
        left=None if left is None else _draw_cell(left, numbers[0], start, from_left_end, marks=marks),
        right=None if right is None else _draw_cell(right, numbers[1], start, from_left_end, marks=marks),
        why=_find_reason(row.place, reasons) if style == "ignored" else "",
    )


def _draw_cell(text: str, number: int | None, start: int, from_end: int, *, marks: bool) -> SideCell:
    """Return a text cut to `CHARS`, marked from `start` to `from_end` characters before its end."""
    if not marks:
        return SideCell(number, _show(text, CHARS))
    start = max(start, len(text) - len(text.lstrip(" ")))
    end = max(start, len(text) - from_end)
    before, marked, after = text[:start], text[start:end], text[end:]
    if len(before) > BEFORE_MARK and len(text) > CHARS:
        before = f"…{before[-BEFORE_MARK:]}"
    return SideCell(number, _show(before, CHARS), _show(marked, CHARS), _show(after, BEFORE_MARK))


def _measure_shared(left: str, right: str) -> tuple[int, int]:
    """Return how many characters two lines share at the start, and at the end behind that, in whole words."""
    most = min(len(left), len(right))
    start = 0
    while start < most and left[start] == right[start]:
        start += 1
    end = 0
    while end < most - start and left[-1 - end] == right[-1 - end]:
        end += 1
    word = _WORD_END.search(left, max(0, start - LONGEST_WORD), start)
    if word:
        start = word.start()
    word = _WORD_START.match(left, len(left) - end, len(left) - end + LONGEST_WORD)
    return start, end - (word.end() - word.start() if word else 0)


def _find_reason(place: str, reasons: Mapping[str, str]) -> str:
    """Return the reason at a place, or at the nearest one that contains it."""
    path = "".join("[*]" if part.isdigit() else part for part in _split_indexes(place))
    while path:
        if path in reasons:
            return reasons[path]
        shorter = path.rstrip("]").rpartition("[")[0] if path.endswith("]") else path.rpartition(".")[0]
        path = shorter if len(shorter) < len(path) else ""
    return ""


def _split_indexes(place: str) -> list[str]:
    """Split `$.a[12].b` into `$.a`, `12` and `.b`, so that indexes can be told from names."""
    parts: list[str] = []
    for number, piece in enumerate(place.split("[")):
        inner, bracket, rest = piece.partition("]")
        if number and bracket and inner.isdigit():
            parts += [inner, rest]
        else:
            parts.append(f"[{piece}" if number else piece)
    return [part for part in parts if part]


def _show(text: str, limit: int) -> str:
    shown = escape_unprintable(text[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"

"""Two bodies in two columns: what differs with some lines around it, the primary's left and the shadow's right. Pure.

The mark between the columns: `≠` both have it and it differs, `<` only the primary has it, `>` only the shadow has it,
`~` it differs and was excused. Colours repeat it, where there are any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final

from darklaunch_comparator.compare import escape_unseen, name_unseen_difference
from darklaunch_comparator.places import is_text_path

from darklaunch_console.output.table import measure_width, split_at
from darklaunch_console.output.text import escape_unprintable, format_plural

from .align_sequences import DIFFERS, LEFT, RIGHT, SAME
from .side_by_side import SideBySideRow

EXCUSED: Final = "~"
LEGEND: Final = {
    DIFFERS: "differs",
    LEFT: "only the primary has it",
    RIGHT: "only the shadow has it",
    EXCUSED: "differs and was excused",
}

CONTEXT: Final = 3
LONGEST_RUN: Final = 12
"""Lines that are shown of a run that only one side has."""
FOLDS: Final = 6
"""Lines that a long value is folded into where it differs; elsewhere it is cut to one line."""
_GUTTER: Final = 3
_NAMED_PLACES: Final = 3
_RULE: Final = "─"
_LABEL: Final = re.compile(r'\s*(?:"(?:[^"\\]|\\.){0,40}": )?"?')


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One line for the screen. `mark` is that of its row; "" for a heading or a count of lines left out."""

    left: str
    right: str
    mark: str


def mark_excused(rows: Sequence[SideBySideRow], places: Sequence[str]) -> list[SideBySideRow]:
    """Return the rows, with those that differ at none of the reported places in the body marked as excused."""
    reported = [place for place in places if place.startswith("$")]
    # All of it, a place that was too long to report, or one in text, whose rows are lines and not places.
    if any(place == "$" or "…#" in place or is_text_path(place) for place in places):
        return list(rows)
    return [
        row if row.mark == SAME or any(_touches(row.place, place) for place in reported) else replace(row, mark=EXCUSED)
        for row in rows
    ]


def render_differing_rows(rows: Sequence[SideBySideRow], columns: int) -> list[ColumnLine]:
    """Return each stretch that differs under a heading of its places, with lines around it; count what is alike."""
    side = (columns - _GUTTER) // 2
    differing = [at for at, row in enumerate(rows) if row.mark not in (SAME, EXCUSED)]
    lines: list[ColumnLine] = []
    shown = 0
    for start, end in _find_stretches(differing, len(rows)):
        lines += _count_alike(rows[shown:start])
        places = dict.fromkeys(rows[at].place for at in differing if start <= at < end)
        lines.append(ColumnLine(_render_heading(list(places), columns), "", ""))
        lines += _render_stretch(rows[start:end], side)
        shown = end
    return [*lines, *_count_alike(rows[shown:])]


def render_rows(rows: Sequence[SideBySideRow], columns: int, at_most: int | None = None) -> list[ColumnLine]:
    """Return the first `at_most` rows as they are; all of them by default."""
    side = (columns - _GUTTER) // 2
    shown = len(rows) if at_most is None else at_most
    return [*(line for row in rows[:shown] for line in _render_row(row, side)), *_count_alike(rows[shown:])]


def split_sides(line: ColumnLine, columns: int) -> tuple[str, str, str]:
    """Return a line in three parts, to be written one after another: left side, mark, right side."""
    side = (columns - _GUTTER) // 2
    if not line.mark:
        return line.left, "", ""
    if not line.right:
        return (line.left, "", "") if line.mark == SAME else (_pad(line.left, side), f" {line.mark}", "")
    return _pad(line.left, side), f" {line.mark} ", line.right


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - measure_width(text))


def _render_heading(places: list[str], columns: int) -> str:
    names = ", ".join(places[:_NAMED_PLACES]) + (
        f" and {len(places) - _NAMED_PLACES} more" if len(places) > _NAMED_PLACES else ""
    )
    title = f"{_RULE * 2} {_cut(escape_unprintable(names), columns - 6)} "
    return title + _RULE * (columns - measure_width(title))


def _touches(place: str, reported: str) -> bool:
    """True if a row's place equals a reported one, is inside it or contains it."""
    outer, inner = sorted((place, reported), key=len)
    return inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in ("", ".", "[")


def _find_stretches(differing: list[int], total: int) -> list[tuple[int, int]]:
    stretches: list[tuple[int, int]] = []
    for at in differing:
        start, end = max(0, at - CONTEXT), min(total, at + CONTEXT + 1)
        if stretches and start <= stretches[-1][1] + 1:
            stretches[-1] = stretches[-1][0], end
        else:
            stretches.append((start, end))
    return stretches


def _render_stretch(rows: Sequence[SideBySideRow], side: int) -> list[ColumnLine]:
    lines: list[ColumnLine] = []
    run, mark = 0, ""
    for row in rows:
        run, mark = (run + 1 if row.mark == mark else 1), row.mark
        if run <= LONGEST_RUN or mark not in (LEFT, RIGHT):
            lines += _render_row(row, side)
        else:
            omitted = _render_omitted(mark, run - LONGEST_RUN)
            lines = [*lines[:-1], omitted] if run > LONGEST_RUN + 1 else [*lines, omitted]
    return lines


def _render_omitted(mark: str, number: int) -> ColumnLine:
    words = f"⋮ {format_plural(number, 'more line')}"
    return ColumnLine(words, "", mark) if mark == LEFT else ColumnLine("", words, mark)


def _render_row(row: SideBySideRow, side: int) -> list[ColumnLine]:
    left, right = escape_unprintable(row.left or ""), escape_unprintable(row.right or "")
    if row.mark == DIFFERS and name_unseen_difference(row.left or "", row.right or ""):
        left, right = escape_unseen(row.left or ""), escape_unseen(row.right or "")
    if row.mark in (SAME, EXCUSED):
        return [ColumnLine(_cut(left, side), _cut(right, side), row.mark)]
    if row.mark == DIFFERS and max(measure_width(left), measure_width(right)) > FOLDS * side:
        left, right = _cut_around_difference(left, right, FOLDS * side)
    pairs = zip_longest(_fold(left, side), _fold(right, side), fillvalue="")
    return [ColumnLine(left_line, right_line, row.mark) for left_line, right_line in pairs]


def _cut_around_difference(left: str, right: str, room: int) -> tuple[str, str]:
    """Return two long lines cut to where they begin to differ, after the member name that they begin with."""
    shared = 0
    for left_character, right_character in zip(left, right, strict=False):
        if left_character != right_character:
            break
        shared += 1
    label = _LABEL.match(left[:shared])
    head = label[0] if label else ""
    start = shared - room // 4
    return (left, right) if start <= len(head) else (f"{head}…{left[start:]}", f"{head}…{right[start:]}")


def _fold(text: str, side: int) -> list[str]:
    """Break a line into at most FOLDS lines; all but the first are indented two further."""
    indent = " " * min(len(text) - len(text.lstrip(" ")) + 2, side // 3)
    head, rest = split_at(text, side)
    lines = [head]
    while rest and len(lines) < FOLDS:
        head, rest = split_at(rest, side - len(indent))
        lines.append(indent + head)
    if rest:
        lines[-1] = _cut(f"{lines[-1]}…", side) if measure_width(lines[-1]) < side else f"{lines[-1][:-1]}…"
    return lines


def _cut(text: str, columns: int) -> str:
    return text if measure_width(text) <= columns else f"{split_at(text, columns - 1)[0]}…"


def _count_alike(rows: Sequence[SideBySideRow]) -> list[ColumnLine]:
    if not rows:
        return []
    excused = sum(row.mark == EXCUSED for row in rows)
    differ = f", {format_plural(excused, 'excused difference')} among them" if excused else ""
    return [ColumnLine(f"⋮ {format_plural(len(rows), 'line')} alike{differ}", "", "")]

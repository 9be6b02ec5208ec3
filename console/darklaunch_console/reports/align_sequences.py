"""Pair the elements of two sequences: equal ones, then those with the same identity, then by position. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Final

SAME, DIFFERS, LEFT, RIGHT = " ", "≠", "<", ">"

LONGEST_MATCHED: Final = 1_000
"""Longer sequences, less what they share at both ends, are paired by position: matching takes quadratic time."""

AlignedPair = tuple[int | None, int | None, str]
"""The positions in both sequences, None where one has no counterpart, and SAME, DIFFERS, LEFT or RIGHT."""


def align_sequences(
    left: Sequence[str], right: Sequence[str], find_identity: Callable[[str], str | None] = lambda _: None
) -> Iterator[AlignedPair]:
    """Yield pairs of positions; `find_identity` returns what identifies an element, None if nothing does."""
    for tag, left_start, left_end, right_start, right_end in _find_opcodes(left, right):
        if tag == "equal":
            yield from ((left_start + at, right_start + at, SAME) for at in range(left_end - left_start))
            continue
        positions = {
            identity: at for at in range(right_start, right_end) if (identity := find_identity(right[at])) is not None
        }
        next_right = right_start
        for left_at in range(left_start, left_end):
            if positions:
                right_at = positions.get(find_identity(left[left_at]) or "")
            else:
                right_at = next_right if next_right < right_end else None
            if right_at is not None and right_at >= next_right:
                yield from ((None, skipped, RIGHT) for skipped in range(next_right, right_at))
                yield left_at, right_at, DIFFERS
                next_right = right_at + 1
            else:
                yield left_at, None, LEFT
        yield from ((None, remaining, RIGHT) for remaining in range(next_right, right_end))


def _find_opcodes(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    shorter = min(len(left), len(right))
    start = 0
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    inner_left, inner_right = left[start : len(left) - end], right[start : len(right) - end]
    codes = [("equal", 0, start, 0, start)] if start else []
    if max(len(inner_left), len(inner_right)) > LONGEST_MATCHED:
        codes.append(("replace", start, len(left) - end, start, len(right) - end))
    else:
        matcher = difflib.SequenceMatcher(None, inner_left, inner_right)
        codes += [(tag, start + a, start + b, start + c, start + d) for tag, a, b, c, d in matcher.get_opcodes()]
    if end:
        codes.append(("equal", len(left) - end, len(left), len(right) - end, len(right)))
    return codes

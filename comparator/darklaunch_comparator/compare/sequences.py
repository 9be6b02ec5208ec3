"""Align two sequences by keys, in time that hardly grows faster than their length: lines, or an element's children."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Gap(NamedTuple):
    """A stretch of two sequences in which nothing is aligned yet: start and end in each; one of them may be empty."""

    primary_start: int
    primary_end: int
    shadow_start: int
    shadow_end: int

    @property
    def is_empty(self) -> bool:
        return self.primary_start == self.primary_end and self.shadow_start == self.shadow_end

    @property
    def length(self) -> int:
        """How much stands in it, on the longer side."""
        return max(self.primary_end - self.primary_start, self.shadow_end - self.shadow_start)

    @property
    def is_one_sided(self) -> bool:
        """True if one side has nothing in it."""
        return self.primary_start == self.primary_end or self.shadow_start == self.shadow_end

    def shift(self, primary: int, shadow: int) -> "Gap":
        """Return the gap with its positions moved."""
        return Gap(
            self.primary_start + primary,
            self.primary_end + primary,
            self.shadow_start + shadow,
            self.shadow_end + shadow,
        )


def align_keys(primary: Sequence[Hashable], shadow: Sequence[Hashable]) -> tuple[list[tuple[int, int]], list[Gap]]:
    """Align two sequences: return pairs of positions with equal keys, and the gaps between them.

    Both are in order. What is alike at the ends is paired, and what each side has once: one insertion moves nothing.
    """
    head, tail, middle = _pair_ends(primary, shadow, Gap(0, len(primary), 0, len(shadow)))
    if middle.is_empty:
        return head + tail, []
    pairs, gaps = _align_middle(primary, shadow, middle)
    return [*head, *pairs, *tail], gaps


def align_gaps(
    gaps: Iterable[Gap],
    primary_key: Callable[[int], Hashable],
    shadow_key: Callable[[int], Hashable],
    pairs: list[tuple[int, int]],
) -> list[Gap]:
    """Align what stands in gaps by other keys: add to the pairs, and return the gaps that are left."""
    remaining: list[Gap] = []
    for gap in gaps:
        if gap.is_one_sided:
            remaining.append(gap)
            continue
        found, inner = align_keys(
            [primary_key(at) for at in range(gap.primary_start, gap.primary_end)],
            [shadow_key(at) for at in range(gap.shadow_start, gap.shadow_end)],
        )
        pairs += [(one + gap.primary_start, other + gap.shadow_start) for one, other in found]
        remaining += [each.shift(gap.primary_start, gap.shadow_start) for each in inner]
    return remaining


def _align_middle(
    primary: Sequence[Hashable], shadow: Sequence[Hashable], gap: Gap
) -> tuple[list[tuple[int, int]], list[Gap]]:
    anchors = [
        (gap.primary_start - 1, gap.shadow_start - 1),
        *_find_anchors(primary, shadow, gap),
        (gap.primary_end, gap.shadow_end),
    ]
    pairs: list[tuple[int, int]] = []
    gaps: list[Gap] = []
    for before, after in pairwise(anchors):
        head, tail, rest = _pair_ends(primary, shadow, Gap(before[0] + 1, after[0], before[1] + 1, after[1]))
        pairs += head
        if not rest.is_empty:
            gaps.append(rest)
        pairs += tail
        if after is not anchors[-1]:
            pairs.append(after)
    return pairs, gaps


def _pair_ends(
    primary: Sequence[Hashable], shadow: Sequence[Hashable], gap: Gap
) -> tuple[list[tuple[int, int]], list[tuple[int, int]], Gap]:
    start, primary_end, shadow_start, shadow_end = gap
    head: list[tuple[int, int]] = []
    while start < primary_end and shadow_start < shadow_end and primary[start] == shadow[shadow_start]:
        head.append((start, shadow_start))
        start, shadow_start = start + 1, shadow_start + 1
    tail: list[tuple[int, int]] = []
    while start < primary_end and shadow_start < shadow_end and primary[primary_end - 1] == shadow[shadow_end - 1]:
        primary_end, shadow_end = primary_end - 1, shadow_end - 1
        tail.append((primary_end, shadow_end))
    tail.reverse()
    return head, tail, Gap(start, primary_end, shadow_start, shadow_end)


def _find_anchors(primary: Sequence[Hashable], shadow: Sequence[Hashable], gap: Gap) -> list[tuple[int, int]]:
    """Find the longest run of pairs, rising on both sides, of keys that both sides have once (patience)."""
    primary_part = primary[gap.primary_start : gap.primary_end]
    shadow_part = shadow[gap.shadow_start : gap.shadow_end]
    if not primary_part or not shadow_part or (len(primary_part) == 1 and len(shadow_part) == 1):
        return []
    primary_counts, shadow_counts = Counter(primary_part), Counter(shadow_part)
    shadow_positions = {key: at for at, key in enumerate(shadow_part, gap.shadow_start) if shadow_counts[key] == 1}
    pairs = [
        (at, shadow_positions[key])
        for at, key in enumerate(primary_part, gap.primary_start)
        if primary_counts[key] == 1 and key in shadow_positions
    ]
    ends: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for number, (_, shadow_at) in enumerate(pairs):
        length = bisect_left(ends, shadow_at)
        previous.append(last[length - 1] if length else -1)
        if length == len(ends):
            ends.append(shadow_at)
            last.append(number)
        else:
            ends[length], last[length] = shadow_at, number
    anchors: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        anchors.append(pairs[number])
        number = previous[number]
    anchors.reverse()
    return anchors

"""Compare text line by line: plain text, CSV without names, scripts, and what is malformed on both sides."""

from collections.abc import Sequence
from typing import Final

from darklaunch_comparator.content import CorruptBody, to_text
from darklaunch_comparator.credentials import hide_in_lines
from darklaunch_comparator.places import ROOT, TOP, TextPlace, read_shape

from . import render
from .collector import DifferenceCollector
from .model import ABSENT, DifferenceKind
from .sequences import align_gaps, align_keys
from .text_values import compare_texts, name_shape
from .volatile import VolatileValues

_ALIGNED_LINES: Final = 20_000
"""Lines that are aligned by their shape where they are not the same; if more differ, by position."""


def compare_text(
    primary: bytes, shadow: bytes, volatile: VolatileValues, collector: DifferenceCollector, why: str = ""
) -> None:
    """Report the differences between two texts in UTF-8, by the lines in which they differ.

    `why` says why bodies that are no plain text are compared so.
    """
    texts = decode_texts(primary, shadow, collector)
    if texts is not None:
        compare_lines(texts[0].split("\n"), texts[1].split("\n"), TOP, volatile, collector, why)
        if collector.places_by_shape:
            collector.total_places = sum([1 for line in texts[0].split("\n") if line])


def compare_lines(
    primary: Sequence[str],
    shadow: Sequence[str],
    place: TextPlace,
    volatile: VolatileValues,
    collector: DifferenceCollector,
    why: str = "",
) -> None:
    """Report the lines that differ, each at the place of its shape below `place`. A CR is part of its line."""
    prefix = f"{why}, so compared by lines: " if why else ""
    # What lines are called is stored and shown wherever places are.
    primary_shown, shadow_shown = hide_in_lines(primary), hide_in_lines(shadow)
    _, gaps = align_keys(primary, shadow)
    pairs: list[tuple[int, int]] = []
    if sum([gap.length for gap in gaps]) <= _ALIGNED_LINES:
        gaps = align_gaps(
            gaps, lambda at: read_shape(primary[at]).frame, lambda at: read_shape(shadow[at]).frame, pairs
        )
    for gap in gaps:  # nothing in it is alike: pairs by position
        pairs += zip(range(gap.primary_start, gap.primary_end), range(gap.shadow_start, gap.shadow_end), strict=False)
    for primary_at, shadow_at in sorted(pairs):
        if primary[primary_at] != shadow[shadow_at]:
            line = place.line(name_shape(primary_shown[primary_at], shadow_shown[shadow_at]))
            where = f"{prefix}line {primary_at + 1:,}: "
            compare_texts(primary[primary_at], shadow[shadow_at], line, DifferenceKind.TEXT, volatile, collector, where)
    for gap in gaps:
        paired = min(gap.primary_end - gap.primary_start, gap.shadow_end - gap.shadow_start)
        for at in range(gap.primary_start + paired, gap.primary_end):
            shape = read_shape(primary_shown[at]).name
            _report_alone(primary[at], place.line(shape), at, DifferenceKind.MISSING, collector, prefix)
        for at in range(gap.shadow_start + paired, gap.shadow_end):
            shape = read_shape(shadow_shown[at]).name
            _report_alone(shadow[at], place.line(shape), at, DifferenceKind.EXTRA, collector, prefix)


def _report_alone(
    line: str, line_place: TextPlace, at: int, kind: DifferenceKind, collector: DifferenceCollector, prefix: str
) -> None:
    """Report a line that one side lacks. An empty one, or the end of the last line, takes nothing away."""
    is_missing = kind is DifferenceKind.MISSING
    if line.strip():
        left, right = (line, ABSENT) if is_missing else (ABSENT, line)
        collector.add_values(line_place, kind, left, right, f"{prefix}line {at + 1:,}: ")
        return
    there, gone = f"{prefix}line {at + 1:,}: {render.quote(line)}", f"{prefix}nothing at line {at + 1:,}"
    collector.add_description(line_place, DifferenceKind.TEXT, *((there, gone) if is_missing else (gone, there)))


def decode_texts(primary: bytes, shadow: bytes, collector: DifferenceCollector) -> tuple[str, str] | None:
    """Decode two texts in UTF-8; None, and reported, if only one of them is what its headers say."""
    primary_text, shadow_text = _decode_utf8(primary), _decode_utf8(shadow)
    if isinstance(primary_text, CorruptBody) and isinstance(shadow_text, CorruptBody):
        # Neither is what its headers say, so that is no difference: there is still text to compare.
        return primary.decode("latin-1"), shadow.decode("latin-1")
    if isinstance(primary_text, str) and isinstance(shadow_text, str):
        return primary_text, shadow_text
    rendered = [render.make_printable(str(text)) for text in (primary_text, shadow_text)]
    collector.add_description(ROOT, DifferenceKind.ENCODING, *rendered)
    return None


def _decode_utf8(content: bytes) -> str | CorruptBody:
    try:
        return to_text(content)
    except CorruptBody as error:
        return error

"""Compare text line by line: HTML, XML, plain text, and JSON that is malformed on both sides."""

from darklaunch_comparator.content import CorruptBody, to_text
from darklaunch_comparator.places import ROOT

from . import render
from .collector import DifferenceCollector
from .model import DifferenceKind, Reasons
from .volatile import VolatileValues


def compare_text(primary: bytes, shadow: bytes, volatile: VolatileValues, collector: DifferenceCollector) -> None:
    """Report at most one difference between two texts in UTF-8: from the first line that differs to the last.

    Lines that differ only in what is volatile count as excused. Lines end at LF; a CR is part of its line.
    """
    texts = _decode(primary, shadow, collector)
    if texts is None:
        return
    primary_lines, shadow_lines = texts[0].split("\n"), texts[1].split("\n")
    shorter = min(len(primary_lines), len(shadow_lines))
    excused: list[Reasons] = []

    def agree(primary_line: str, shadow_line: str) -> bool:
        if primary_line == shadow_line:
            return True
        reasons = volatile.explain_texts(primary_line, shadow_line)
        if not collector.may_excuse(ROOT.group_path, reasons):
            return False
        excused.append(reasons)
        return True

    start = 0
    while start < shorter and agree(primary_lines[start], shadow_lines[start]):
        start += 1
    end = 0
    while end < shorter - start and agree(primary_lines[-1 - end], shadow_lines[-1 - end]):
        end += 1
    for reasons in excused:
        collector.count_excuses(ROOT.group_path, *reasons)
    primary_lines = primary_lines[start : len(primary_lines) - end]
    shadow_lines = shadow_lines[start : len(shadow_lines) - end]
    if primary_lines or shadow_lines:
        collector.add_description(ROOT, DifferenceKind.TEXT, *_render(start + 1, primary_lines, shadow_lines))


def _decode(primary: bytes, shadow: bytes, collector: DifferenceCollector) -> tuple[str, str] | None:
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


def _render(first: int, primary_lines: list[str], shadow_lines: list[str]) -> tuple[str, str]:
    """Render the lines that differ. `first` is the number of the first, from 1."""
    if len(primary_lines) == len(shadow_lines) == 1:
        primary, shadow = render.render_strings(primary_lines[0], shadow_lines[0])
        return f"line {first:,}: {primary}", f"line {first:,}: {shadow}"
    return _render_lines(first, primary_lines), _render_lines(first, shadow_lines)


def _render_lines(first: int, lines: list[str]) -> str:
    if not lines:
        return f"nothing at line {first:,}"
    place = f"line {first:,}" if len(lines) == 1 else f"lines {first:,} to {first + len(lines) - 1:,}"
    return f"{place}: {render.quote(chr(10).join(lines[:10]))}"

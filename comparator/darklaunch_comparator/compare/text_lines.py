"""Compare text line by line: HTML, XML, plain text, and JSON that is none."""

from darklaunch_comparator.content import CorruptBody, to_text
from darklaunch_comparator.places import ROOT

from . import render
from .collector import DifferenceCollector
from .model import DifferenceKind, ExcuseReason
from .volatile import VolatileValues


def compare_text(primary: bytes, shadow: bytes, volatile: VolatileValues, findings: DifferenceCollector) -> None:
    """Report at most one difference between two texts in UTF-8: from the first line that differs to the last.

    Lines that differ only in what is volatile count as excused. Lines end at LF; a CR is part of its line.
    """
    decoded = _decoded(primary, shadow, findings)
    if decoded is None:
        return
    theirs, ours = decoded[0].split("\n"), decoded[1].split("\n")
    shorter = min(len(theirs), len(ours))
    excused: list[tuple[ExcuseReason, ...]] = []

    def agree(one: str, other: str) -> bool:
        if one == other:
            return True
        reasons = volatile.excuse(one, other)
        if not reasons or not findings.admits(ROOT.group_path, reasons):
            return False
        excused.append(reasons)
        return True

    start = 0
    while start < shorter and agree(theirs[start], ours[start]):
        start += 1
    end = 0
    while end < shorter - start and agree(theirs[-1 - end], ours[-1 - end]):
        end += 1
    for reasons in excused:
        findings.excuse(ROOT, reasons)
    left, right = theirs[start : len(theirs) - end], ours[start : len(ours) - end]
    if left or right:
        findings.described(ROOT, DifferenceKind.TEXT, *_shown(start + 1, left, right))


def _decoded(primary: bytes, shadow: bytes, findings: DifferenceCollector) -> tuple[str, str] | None:
    one, other = _utf8(primary), _utf8(shadow)
    if isinstance(one, CorruptBody) and isinstance(other, CorruptBody):
        return primary.decode("latin-1"), shadow.decode("latin-1")  # both lie alike: there is still text to compare
    if isinstance(one, str) and isinstance(other, str):
        return one, other
    findings.described(ROOT, DifferenceKind.ENCODING, *[render.make_printable(str(side)) for side in (one, other)])
    return None


def _utf8(content: bytes) -> str | CorruptBody:
    try:
        return to_text(content)
    except CorruptBody as wrong:
        return wrong


def _shown(first: int, left: list[str], right: list[str]) -> tuple[str, str]:
    if len(left) == len(right) == 1:
        one, other = render.render_strings(left[0], right[0])
        return f"line {first:,}: {one}", f"line {first:,}: {other}"
    return _lines(first, left), _lines(first, right)


def _lines(first: int, lines: list[str]) -> str:
    if not lines:
        return f"nothing at line {first:,}"
    place = f"line {first:,}" if len(lines) == 1 else f"lines {first:,} to {first + len(lines) - 1:,}"
    return f"{place}: {render.quote(chr(10).join(lines[:10]))}"

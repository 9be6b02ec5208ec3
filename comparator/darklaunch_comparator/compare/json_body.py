"""Compare two bodies that say they are JSON, one document or one a line."""

from typing import Final

from darklaunch_comparator.places import ROOT

from . import json_parse, render
from .collector import DifferenceCollector
from .json_parse import MalformedJson
from .json_walk import walk_json
from .model import DifferenceKind, Json
from .text_lines import compare_text
from .volatile import VolatileValues

_NOT_LINES: Final = MalformedJson("not one JSON document a line")


def compare_json(theirs: bytes, ours: bytes, volatile: VolatileValues, findings: DifferenceCollector) -> None:
    """Report the differences between two JSON texts in UTF-8. Raises Unverified when they cannot be told."""
    read = json_parse.parse_pair(theirs, ours)
    left, right = read.primary, read.shadow
    if isinstance(left, MalformedJson) or isinstance(right, MalformedJson):
        _malformed(left, right, theirs, ours, volatile, findings)
        return
    if not read.same:
        walk_json(left, right, find=read.find, volatile=volatile, findings=findings)
    if read.repeats:
        _duplicate_keys(theirs, ours, findings)


def compare_lines(theirs: bytes, ours: bytes, volatile: VolatileValues, findings: DifferenceCollector) -> None:
    """Report the differences between two texts of one JSON document a line, as arrays of their lines."""
    one, other = _lines(theirs), _lines(ours)
    read = json_parse.parse_pair(_array(one), _array(other))
    # As many elements as lines, else a line held half a document, or two.
    left = read.primary if isinstance(read.primary, list) and len(read.primary) == len(one) else _NOT_LINES
    right = read.shadow if isinstance(read.shadow, list) and len(read.shadow) == len(other) else _NOT_LINES
    if isinstance(left, MalformedJson) or isinstance(right, MalformedJson):
        _malformed(left, right, theirs, ours, volatile, findings)
    else:
        walk_json(left, right, find=read.find, volatile=volatile, findings=findings)


def _malformed(
    left: "Json | MalformedJson",
    right: "Json | MalformedJson",
    theirs: bytes,
    ours: bytes,
    volatile: VolatileValues,
    findings: DifferenceCollector,
) -> None:
    if isinstance(left, MalformedJson) and isinstance(right, MalformedJson):
        compare_text(theirs, ours, volatile, findings)
        return
    wrong = left if isinstance(left, MalformedJson) else right
    kind = DifferenceKind.ENCODING if isinstance(wrong, MalformedJson) and wrong.undecodable else DifferenceKind.TYPE
    findings.described(ROOT, kind, _shown(left, theirs), _shown(right, ours))


def _shown(content: "Json | MalformedJson", text: bytes) -> str:
    if not isinstance(content, MalformedJson):
        return render.render_value(content)
    if content.undecodable:
        return content.reason
    return render.cut(
        f"{content.reason}: {render.make_printable(text[: render.RENDERED_CHARS * 4].decode('utf-8', 'replace'))}"
    )


def _duplicate_keys(theirs: bytes, ours: bytes, findings: DifferenceCollector) -> None:
    left, right = json_parse.find_duplicate_keys(theirs), json_parse.find_duplicate_keys(ours)
    for group in sorted(left.keys() - right.keys()):
        findings.described(left[group], DifferenceKind.DUPLICATE_KEY, "twice", "once")
    for group in sorted(right.keys() - left.keys()):
        findings.described(right[group], DifferenceKind.DUPLICATE_KEY, "once", "twice")


def _lines(text: bytes) -> list[bytes]:
    # application/json-seq (RFC 7464) starts each document with a record separator
    return [line for line in (raw.strip(b" \t\r\x1e") for raw in text.split(b"\n")) if line]


def _array(lines: list[bytes]) -> bytes:
    return b"[" + b",".join(lines) + b"]"

"""Compare two bodies that are JSON by their headers: one document, or one a line."""

from typing import Final

from darklaunch_comparator.places import ROOT

from . import render
from .collector import DifferenceCollector
from .json_pair import parse_pair
from .json_parse import MalformedJson, find_repeated_keys
from .json_walk import walk_json
from .model import DifferenceKind, Json
from .text_lines import compare_text
from .volatile import VolatileValues

_NOT_LINES: Final = MalformedJson("not one JSON document a line")


def compare_json(primary: bytes, shadow: bytes, volatile: VolatileValues, collector: DifferenceCollector) -> None:
    """Report the differences between two JSON texts in UTF-8. Raises Unverified if they cannot be compared."""
    pair = parse_pair(primary, shadow)
    if isinstance(pair.primary, MalformedJson) and isinstance(pair.shadow, MalformedJson):
        _compare_lines(primary, shadow, volatile, collector, or_else=(pair.primary, pair.shadow))
        return
    if isinstance(pair.primary, MalformedJson) or isinstance(pair.shadow, MalformedJson):
        _compare_malformed(pair.primary, pair.shadow, primary, shadow, volatile, collector)
        return
    if not pair.are_same:
        walk_json(pair.primary, pair.shadow, find=pair.find, volatile=volatile, collector=collector)
    if pair.may_repeat_keys:
        _compare_repeated_keys(primary, shadow, collector)


def compare_json_lines(primary: bytes, shadow: bytes, volatile: VolatileValues, collector: DifferenceCollector) -> None:
    """Report the differences between two texts of one JSON document a line, as arrays of their lines."""
    primary_lines, shadow_lines = _split_lines(primary), _split_lines(shadow)
    pair = parse_pair(_join_to_array(primary_lines), _join_to_array(shadow_lines))
    primary_documents = _check_lines(pair.primary, len(primary_lines))
    shadow_documents = _check_lines(pair.shadow, len(shadow_lines))
    if isinstance(primary_documents, MalformedJson) or isinstance(shadow_documents, MalformedJson):
        _compare_malformed(primary_documents, shadow_documents, primary, shadow, volatile, collector)
    else:
        walk_json(primary_documents, shadow_documents, find=pair.find, volatile=volatile, collector=collector)


def _compare_lines(
    primary: bytes,
    shadow: bytes,
    volatile: VolatileValues,
    collector: DifferenceCollector,
    *,
    or_else: tuple[MalformedJson, MalformedJson],
) -> None:
    """Compare two texts that are no JSON as one document a line if both are that: some streams are labelled so."""
    primary_lines, shadow_lines = _split_lines(primary), _split_lines(shadow)
    if len(primary_lines) > 1 and len(shadow_lines) > 1:
        pair = parse_pair(_join_to_array(primary_lines), _join_to_array(shadow_lines))
        theirs, ours = _check_lines(pair.primary, len(primary_lines)), _check_lines(pair.shadow, len(shadow_lines))
        if not (isinstance(theirs, MalformedJson) or isinstance(ours, MalformedJson)):
            walk_json(theirs, ours, find=pair.find, volatile=volatile, collector=collector)
            return
    _compare_malformed(*or_else, primary, shadow, volatile, collector)


def _compare_malformed(
    primary: "Json | MalformedJson",
    shadow: "Json | MalformedJson",
    primary_text: bytes,
    shadow_text: bytes,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> None:
    if isinstance(primary, MalformedJson) and isinstance(shadow, MalformedJson):
        compare_text(primary_text, shadow_text, volatile, collector)
        return
    malformed = primary if isinstance(primary, MalformedJson) else shadow
    is_undecodable = isinstance(malformed, MalformedJson) and malformed.undecodable
    kind = DifferenceKind.ENCODING if is_undecodable else DifferenceKind.TYPE
    collector.add_description(ROOT, kind, _render(primary, primary_text), _render(shadow, shadow_text))


def _render(content: "Json | MalformedJson", text: bytes) -> str:
    if not isinstance(content, MalformedJson):
        return render.render_value(content)
    if content.undecodable:
        return content.reason
    start = text[: render.RENDERED_CHARS * 4].decode("utf-8", "replace")
    return render.cut(f"{content.reason}: {render.make_printable(start)}")


def _compare_repeated_keys(primary: bytes, shadow: bytes, collector: DifferenceCollector) -> None:
    primary_places, shadow_places = find_repeated_keys(primary), find_repeated_keys(shadow)
    for group_path in sorted(primary_places.keys() - shadow_places.keys()):
        collector.add_description(primary_places[group_path], DifferenceKind.DUPLICATE_KEY, "twice", "once")
    for group_path in sorted(shadow_places.keys() - primary_places.keys()):
        collector.add_description(shadow_places[group_path], DifferenceKind.DUPLICATE_KEY, "once", "twice")


def _split_lines(text: bytes) -> list[bytes]:
    # application/json-seq (RFC 7464) starts each document with a record separator
    return [line for line in (raw.strip(b" \t\r\x1e") for raw in text.split(b"\n")) if line]


def _join_to_array(lines: list[bytes]) -> bytes:
    return b"[" + b",".join(lines) + b"]"


def _check_lines(content: "Json | MalformedJson", line_count: int) -> list[Json] | MalformedJson:
    # As many elements as lines, else a line held half a document, or two.
    return content if isinstance(content, list) and len(content) == line_count else _NOT_LINES

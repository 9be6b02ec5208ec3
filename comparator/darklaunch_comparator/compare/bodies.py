"""Compare two bodies: undo their codings, choose how they are compared, and compare them so."""

from dataclasses import dataclass
from typing import Final

from darklaunch_shared.wire.exchange import Response

from darklaunch_comparator.content import (
    INFLATED_CAP_BYTES,
    BodyFamily,
    CorruptBody,
    InflatedTooLarge,
    UnsupportedCoding,
    choose_family,
    compute_cap_beside,
    inflate,
    parse_media_type,
    read_content_headers,
    to_utf8,
)
from darklaunch_comparator.places import ROOT

from . import render
from .collector import DifferenceCollector, Unverified
from .count_places import count_leaves_of, count_places
from .csv_body import compare_csv
from .form_body import TooManyFields, parse_form
from .json_body import compare_json, compare_json_lines
from .json_equality import find_differences, find_differences_and_booleans
from .json_walk import walk_json
from .markup import compare_markup
from .model import DifferenceKind
from .multipart_body import read_multipart
from .text_lines import compare_text
from .volatile import VolatileValues

_NO_CONTENT: Final = (204, 304)


@dataclass(slots=True)
class _Undecoded:
    """A body that could not be decoded."""

    # Not the exception: its traceback would hold on to megabytes.
    reason: str
    too_large: bool = False


def compare_bodies(
    method: str,
    primary: Response,
    shadow: Response,
    volatile: VolatileValues,
    collector: DifferenceCollector,
    *,
    same_content_headers: bool,
) -> None:
    """Report the differences between two responses' bodies. Raises Unverified if they cannot be compared.

    `same_content_headers` says that both have the same Content-Type and Content-Encoding.
    """
    primary_body = primary.body if _has_body(method, primary.status) else b""
    shadow_body = shadow.body if _has_body(method, shadow.status) else b""
    primary_type, primary_coding = read_content_headers(primary.headers)
    shadow_type, shadow_coding = primary_type, primary_coding
    if not same_content_headers:
        shadow_type, shadow_coding = read_content_headers(shadow.headers)
    if primary_body == shadow_body and primary_coding == shadow_coding:
        return
    if primary_coding or shadow_coding:
        primary_content = _inflate("primary", primary_body, primary_coding, INFLATED_CAP_BYTES)
        cap_bytes = INFLATED_CAP_BYTES
        if not isinstance(primary_content, _Undecoded):
            cap_bytes = compute_cap_beside(len(primary_content))
        shadow_content = _inflate("shadow", shadow_body, shadow_coding, cap_bytes)
        if isinstance(primary_content, _Undecoded) or isinstance(shadow_content, _Undecoded):
            _report_undecoded(primary_content, shadow_content, collector)
            return
        primary_body, shadow_body = primary_content, shadow_content
    if primary_body != shadow_body:
        _compare_decoded(primary_body, primary_type, shadow_body, shadow_type, volatile, collector)


def _compare_decoded(
    primary: bytes,
    primary_type: str,
    shadow: bytes,
    shadow_type: str,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> None:
    primary_media = parse_media_type(primary_type)
    shadow_media = primary_media if shadow_type == primary_type else parse_media_type(shadow_type)
    family = choose_family(primary_media, shadow_media, primary, shadow)
    if not primary or not shadow:
        kind = DifferenceKind.MISSING if primary else DifferenceKind.EXTRA
        collector.add_description(ROOT, kind, _render_start(primary) or None, _render_start(shadow) or None)
        return
    if family is BodyFamily.MULTIPART:  # bytes may stand in any part of it, and no charset is the whole's
        _compare_multipart(primary, primary_type, shadow, shadow_type, volatile, collector)
        return
    if family is BodyFamily.BINARY:
        rendered = render.render_bytes(primary), render.render_bytes(shadow)
        collector.add_description(ROOT, DifferenceKind.BYTES, *rendered)
        return
    try:
        primary_text, shadow_text = to_utf8(primary, primary_media.charset), to_utf8(shadow, shadow_media.charset)
    except CorruptBody:
        primary_result, shadow_result = _decode(primary, primary_media.charset), _decode(shadow, shadow_media.charset)
        collector.add_description(ROOT, DifferenceKind.ENCODING, _render(primary_result), _render(shadow_result))
        return
    if primary_text == shadow_text:
        return
    if family is BodyFamily.JSON:
        compare_json(primary_text, shadow_text, volatile, collector)
    elif family is BodyFamily.LINES:
        compare_json_lines(primary_text, shadow_text, volatile, collector)
    elif family is BodyFamily.FORM:
        try:
            primary_form, shadow_form = parse_form(primary_text), parse_form(shadow_text)
        except TooManyFields as error:
            raise Unverified(str(error)) from None
        walk_json(primary_form, shadow_form, find=find_differences, volatile=volatile, collector=collector)
    elif family in (BodyFamily.HTML, BodyFamily.XML):
        is_html = family is BodyFamily.HTML
        compare_markup(primary_text, shadow_text, is_html=is_html, volatile=volatile, collector=collector)
    elif family is BodyFamily.CSV:
        compare_csv(primary_text, shadow_text, volatile, collector)
    else:
        compare_text(primary_text, shadow_text, volatile, collector)
    if collector.places_by_shape and not collector.total_places:
        collector.total_places = count_places(primary_text, family)


def _compare_multipart(
    primary: bytes,
    primary_type: str,
    shadow: bytes,
    shadow_type: str,
    volatile: VolatileValues,
    collector: DifferenceCollector,
) -> None:
    primary_parts, shadow_parts = read_multipart(primary, primary_type), read_multipart(shadow, shadow_type)
    if primary_parts is None and shadow_parts is None:
        collector.add_description(ROOT, DifferenceKind.BYTES, render.render_bytes(primary), render.render_bytes(shadow))
    elif primary_parts is None or shadow_parts is None:
        collector.add_description(ROOT, DifferenceKind.TYPE, _render_start(primary), _render_start(shadow))
    else:
        find = find_differences_and_booleans
        walk_json(primary_parts, shadow_parts, find=find, volatile=volatile, collector=collector)
        if collector.places_by_shape:
            collector.total_places = count_leaves_of(primary_parts)


def _has_body(method: str, status: int) -> bool:
    # RFC 9110 6.4.1: whatever follows these headers is not part of the response
    return method != "HEAD" and status >= 200 and status not in _NO_CONTENT


def _inflate(side: str, content: bytes, encoding: str, cap_bytes: int) -> bytes | _Undecoded:
    try:
        return inflate(content, encoding, cap_bytes) if encoding else content
    except CorruptBody as error:
        return _Undecoded(render.make_printable(str(error)))
    except InflatedTooLarge as error:
        return _Undecoded(str(error), too_large=True)
    except UnsupportedCoding as error:
        raise Unverified(f"the {side}'s body cannot be decoded: {error}") from None


def _decode(content: bytes, charset: str) -> bytes | _Undecoded:
    try:
        return to_utf8(content, charset)
    except CorruptBody as error:
        return _Undecoded(render.make_printable(str(error)))


def _report_undecoded(primary: bytes | _Undecoded, shadow: bytes | _Undecoded, collector: DifferenceCollector) -> None:
    if isinstance(primary, _Undecoded) and isinstance(shadow, _Undecoded) and primary.too_large and shadow.too_large:
        raise Unverified(f"both bodies inflate past {INFLATED_CAP_BYTES:,} bytes")
    collector.add_description(ROOT, DifferenceKind.ENCODING, _render(primary), _render(shadow))


def _render(body: bytes | _Undecoded) -> str:
    return body.reason if isinstance(body, _Undecoded) else _render_start(body) or "empty"


def _render_start(content: bytes) -> str:
    """Render the start of a body for people, whatever it holds; "" for an empty one."""
    if not content:
        return ""
    start = content[: render.RENDERED_CHARS * 4].decode("utf-8", "replace")
    return render.render_bytes(content) if "\ufffd" in start[:40] else render.make_printable(start)

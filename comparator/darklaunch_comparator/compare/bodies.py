"""Compare two bodies: undo their codings, choose how they are compared, and compare them so."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

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
    to_utf8,
)
from darklaunch_comparator.places import ROOT

from . import render
from .collector import DifferenceCollector, Unverified
from .json_body import compare_json, compare_lines
from .json_equality import find_differences
from .json_walk import walk_json
from .model import DifferenceKind, Json
from .text_lines import compare_text
from .volatile import VolatileValues

_FIELDS_CAP: Final = 10_000


@dataclass(slots=True)
class _Undecoded:
    """A body that could not be decoded. (Not the exception: its traceback would hold on to megabytes.)"""

    reason: str
    too_large: bool = False


def compare_bodies(
    method: str,
    primary: Response,
    shadow: Response,
    volatile: VolatileValues,
    findings: DifferenceCollector,
    *,
    as_described: bool,
) -> None:
    """Report the differences between two answers' bodies. Raises Unverified when they cannot be told.

    `as_described` says that both answers have the same Content-Type and Content-Encoding.
    """
    theirs = primary.body if _has_body(method, primary.status) else b""
    ours = shadow.body if _has_body(method, shadow.status) else b""
    their_type, one = described(primary)
    our_type, other = (their_type, one) if as_described else described(shadow)
    if theirs == ours and one == other:
        return
    if one or other:
        left = _inflated("primary", theirs, one, INFLATED_CAP_BYTES)
        right = _inflated("shadow", ours, other, _cap_beside(left))
        if isinstance(left, _Undecoded) or isinstance(right, _Undecoded):
            if isinstance(left, _Undecoded) and isinstance(right, _Undecoded) and left.too_large and right.too_large:
                raise Unverified(f"both bodies inflate past {INFLATED_CAP_BYTES:,} bytes")
            findings.described(ROOT, DifferenceKind.ENCODING, _shown(left), _shown(right))
            return
        theirs, ours = left, right
    if theirs != ours:
        _compare(theirs, their_type, ours, our_type, volatile, findings)


def _compare(
    theirs: bytes, their_type: str, ours: bytes, our_type: str, volatile: VolatileValues, findings: DifferenceCollector
) -> None:
    one = parse_media_type(their_type)
    other = one if our_type == their_type else parse_media_type(our_type)
    family = choose_family(one, other, theirs, ours)
    if not theirs or not ours:
        findings.described(
            ROOT,
            DifferenceKind.MISSING if theirs else DifferenceKind.EXTRA,
            _sketch(theirs) or None,
            _sketch(ours) or None,
        )
        return
    if family is BodyFamily.BINARY:
        findings.described(ROOT, DifferenceKind.BYTES, render.render_bytes(theirs), render.render_bytes(ours))
        return
    try:
        left, right = to_utf8(theirs, one.charset), to_utf8(ours, other.charset)
    except CorruptBody:
        shown = _shown(_utf8(theirs, one.charset)), _shown(_utf8(ours, other.charset))
        findings.described(ROOT, DifferenceKind.ENCODING, *shown)
        return
    if left == right:
        return
    if family is BodyFamily.JSON:
        compare_json(left, right, volatile, findings)
    elif family is BodyFamily.LINES:
        compare_lines(left, right, volatile, findings)
    elif family is BodyFamily.FORM:
        walk_json(
            _form("primary", left), _form("shadow", right), find=find_differences, volatile=volatile, findings=findings
        )
    else:
        compare_text(left, right, volatile, findings)


def _has_body(method: str, status: int) -> bool:
    # RFC 9110 6.4.1: whatever follows these headers is not part of the answer
    return method != "HEAD" and status >= 200 and status not in (204, 304)


def described(answer: Response) -> tuple[str, str]:
    """Read an answer's Content-Type and Content-Encoding, "" where there is none."""
    content_type = encoding = ""
    for name, value in answer.headers:
        if name == "content-type":
            content_type = value
        elif name == "content-encoding":
            encoding = f"{encoding},{value}" if encoding else value
    return content_type, encoding


def _cap_beside(body: bytes | _Undecoded) -> int:
    return INFLATED_CAP_BYTES if isinstance(body, _Undecoded) else compute_cap_beside(len(body))


def _inflated(side: str, content: bytes, encoding: str, cap_bytes: int) -> bytes | _Undecoded:
    try:
        return inflate(content, encoding, cap_bytes) if encoding else content
    except CorruptBody as wrong:
        return _Undecoded(render.make_printable(str(wrong)))
    except InflatedTooLarge as wrong:
        return _Undecoded(str(wrong), too_large=True)
    except UnsupportedCoding as wrong:
        raise Unverified(f"the {side}'s body cannot be decoded: {wrong}") from None


def _utf8(content: bytes, charset: str) -> bytes | _Undecoded:
    try:
        return to_utf8(content, charset)
    except CorruptBody as wrong:
        return _Undecoded(render.make_printable(str(wrong)))


def _shown(result: bytes | _Undecoded) -> str:
    return result.reason if isinstance(result, _Undecoded) else _sketch(result) or "empty"


def _sketch(content: bytes) -> str:
    """Render the start of a body for people, whatever it holds."""
    if not content:
        return ""
    start = content[: render.RENDERED_CHARS * 4].decode("utf-8", "replace")
    return render.render_bytes(content) if "\ufffd" in start[:40] else render.make_printable(start)


def _form(side: str, text: bytes) -> Json:
    try:
        pairs = parse_qsl(
            text.decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=_FIELDS_CAP,
        )
    except ValueError:
        raise Unverified(f"the {side}'s form has more than {_FIELDS_CAP:,} fields") from None
    fields: dict[str, list[Json]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}

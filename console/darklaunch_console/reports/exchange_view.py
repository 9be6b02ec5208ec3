"""One exchange with both responses side by side: its request, the facts beside the bodies, the bodies, and notes.

Pure: a stored sample in, styled lines or JSON values out.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import orjson
from darklaunch_comparator.compare import decode_body, find_changed_headers, format_body
from darklaunch_comparator.store import report_queries
from darklaunch_shared.wire.exchange import Request, Response
from darklaunch_shared.wire.replay import ShadowError, ShadowResponse

from darklaunch_console.output.numbers import format_ms
from darklaunch_console.output.screen import (
    BAD,
    GOOD,
    QUIET,
    STRONG,
    WARN,
    make_printable,
    style_text,
    wrap_text,
)
from darklaunch_console.output.times import format_minute
from darklaunch_console.reports.align_sequences import DIFFERS, LEFT, RIGHT, SAME
from darklaunch_console.reports.columns import (
    EXCUSED,
    LEGEND,
    ColumnLine,
    mark_excused,
    render_differing_rows,
    render_rows,
    split_sides,
)
from darklaunch_console.reports.masked_places import find_masked_places
from darklaunch_console.reports.problems import render_example
from darklaunch_console.reports.response_rows import align_bodies
from darklaunch_console.reports.side_by_side import SideBySideRow, align_documents, parse_document

WIDEST: Final = 200
REQUEST_LINES: Final = 12
BODY_LINES: Final = 10
"""Lines shown of bodies in which nothing differs."""

HEADS: Final = ColumnLine("primary", "shadow", SAME)
NAME_COLUMNS: Final = 20
UNCOMPARED_CHARS: Final = 40

Text = tuple[str, str]
"""A line and its style."""
Fact = tuple[str, str | None, str | None, str]
"""A name, what the primary and the shadow have there, and the mark."""


def render_exchange(
    sample: report_queries.StoredSample, state: str, width: int, *, request_changes: str = ""
) -> list[Text]:
    """Return an exchange in lines; `request_changes` says what the launch changes in requests for the shadow."""
    request, primary, shadow = sample.replay.exchange.request, sample.replay.exchange.primary, sample.replay.shadow
    differs = make_printable(render_example(sample.differences, len(sample.differences) + sample.omitted), 240)
    first = f"{request.method} {make_printable(request.target, 200)}: {differs or 'no difference in content'}"
    build = f", build {make_printable(shadow.build, 60)}" if shadow.build else ""
    about = (
        f"{sample.launch}, exchange {sample.exchange_id}, captured {format_minute(sample.captured_at)} "
        f"at {request.origin}"
    )
    lines: list[Text] = [(line, BAD) for line in wrap_text(first, more="  ")]
    lines += [(line, "") for line in wrap_text(make_printable(about, 300), more="  ")]
    lines += [(line, "") for line in wrap_text(f"signature {sample.fingerprint}, {state or 'forgotten'}{build}")]
    lines += [(line, "") for line in (wrap_text(request_changes, more="  ") if request_changes else [])]
    lines += _render_request(request)
    lines.append(("", ""))
    if isinstance(shadow, ShadowResponse):
        beside = _render_sides(sample, primary, shadow.response, width)
        lines += [_style_line(line, width) for line in beside]
        lines += _render_notes(primary, shadow.response, sample, {line.mark for line in beside})
    else:
        beside = _render_facts(_list_error_facts(primary, shadow), width)
        lines += [_style_line(line, width) for line in beside]
    lines += [("", ""), (f"Reproduce it: darklaunch curl {sample.exchange_id}", QUIET)]
    return [(lines[0][0], BAD), *lines[1:]]


def _render_request(request: Request) -> list[Text]:
    text, described = decode_body(Response(0, request.headers, request.body, 0.0))
    if not request.body:
        return []
    try:
        rows = align_documents(parse_document(text), parse_document(text)) if text else []
    except ValueError:
        rows = []
    written = [row.left or "" for row in rows] or (described or text).splitlines()
    shown = [(f"  {make_printable(line, WIDEST)}", "") for line in written[:REQUEST_LINES]]
    if len(written) > REQUEST_LINES:
        shown.append((f"  ⋮ {len(written) - REQUEST_LINES:,} more lines: --json prints everything", QUIET))
    if masked := find_masked_places(request):
        shown.append((f"  masked: {', '.join(masked)}", QUIET))
    return [("", ""), ("request body", STRONG), *shown]


def _render_sides(
    sample: report_queries.StoredSample, primary: Response, shadow: Response, width: int
) -> list[ColumnLine]:
    places = [str(one["path"]) for one in sample.differences]
    lines = _render_facts(_list_facts(primary, shadow, places), width)
    rows = align_bodies(primary, shadow)
    if "status" not in places and "latency" not in places and not sample.omitted:
        rows = mark_excused(rows, places)
    lines.append(ColumnLine("", "", ""))
    if any(row.mark not in (SAME, EXCUSED) for row in rows):
        return [*lines, *render_differing_rows(rows, width)]
    return [*lines, *render_rows(rows, width, BODY_LINES)]


def _list_facts(primary: Response, shadow: Response, places: list[str]) -> list[Fact]:
    slow = DIFFERS if "latency" in places else SAME
    facts: list[Fact] = [
        ("status", str(primary.status), str(shadow.status), SAME if primary.status == shadow.status else DIFFERS),
        ("took", format_ms(primary.latency_ms), format_ms(shadow.latency_ms), slow),
        ("body", f"{len(primary.body):,} bytes", f"{len(shadow.body):,} bytes", SAME),
    ]
    reported = [place.removeprefix("header:") for place in places if place.startswith("header:")]
    for name in dict.fromkeys(["content-type", *reported]):
        one, other = _read_header(primary, name), _read_header(shadow, name)
        mark = SAME if name not in reported else LEFT if other is None else RIGHT if one is None else DIFFERS
        if one is not None or other is not None:
            facts.append((name, one, other, mark))
    return facts


def _list_error_facts(primary: Response, shadow: ShadowError) -> list[Fact]:
    return [
        ("status", str(primary.status), f"no response: {shadow.error.value.replace('_', ' ')}", DIFFERS),
        ("took", format_ms(primary.latency_ms), f"given up after {format_ms(shadow.waited_ms)}", DIFFERS),
        ("body", f"{len(primary.body):,} bytes", None, LEFT),
        ("why", None, make_printable(shadow.detail), RIGHT),
    ]


def _render_facts(facts: list[Fact], width: int) -> list[ColumnLine]:
    """Lay out what is known of the answers apart from their bodies, each fact behind its name."""
    longest = min(NAME_COLUMNS, max(len(name) for name, *_ in facts))
    rows: list[SideBySideRow] = []
    for name, *values, mark in facts:
        left, right = (None if value is None else f"{name:{longest}}  {value}" for value in values)
        rows.append(SideBySideRow(left, right, name, mark))
    return [HEADS, *render_rows(rows, width)]


def _read_header(answer: Response, name: str) -> str | None:
    values = [value for field, value in answer.headers if field == name]
    return ", ".join(values) if values else None


def _render_notes(
    primary: Response, shadow: Response, sample: report_queries.StoredSample, marks: set[str]
) -> list[Text]:
    used = [f"{mark} {meaning}" for mark, meaning in LEGEND.items() if mark in marks]
    lines: list[Text] = [("", ""), ("   ".join(used), QUIET)] if used else []
    reported_headers = {str(one["path"]).removeprefix("header:") for one in sample.differences}
    names = sorted({name for name, _ in set(primary.headers) ^ set(shadow.headers)})
    uncompared = set(find_changed_headers(primary.headers, shadow.headers).uncompared) - reported_headers
    if uncompared:
        shown = ", ".join(_name_header(primary, shadow, name) for name in sorted(uncompared))
        compare_it = f"darklaunch rules add {sample.launch} headers --compare NAME --reason WHY"
        text = f"Headers that differ and are not compared: {shown}. To compare one: {compare_it}"
        lines += [(line, QUIET) for line in wrap_text(text, more="  ")]
    others = [make_printable(name, 40) for name in names if name not in reported_headers | uncompared]
    if others:
        text = f"Headers that always differ, or mean the same: {', '.join(others)}"
        lines += [(line, QUIET) for line in wrap_text(text, more="  ")]
    return lines


def _name_header(primary: Response, shadow: Response, name: str) -> str:
    """Return a field with its values: `x-total-count (17 → 18)`."""
    values = (_read_header(primary, name), _read_header(shadow, name))
    left, right = ("none" if value is None else make_printable(value, UNCOMPARED_CHARS) for value in values)
    return f"{make_printable(name, 40)} ({left} → {right})"


def _style_line(line: ColumnLine, width: int) -> Text:
    """Paint the sides of a line; a mark says without colour what the colour says."""
    left, mark, right = split_sides(line, width)
    if line == HEADS or not line.mark:
        return left + mark + right, QUIET if left.startswith("⋮") else STRONG
    theirs, ours = {DIFFERS: (BAD, GOOD), LEFT: (BAD, ""), RIGHT: ("", GOOD), EXCUSED: (WARN, WARN)}.get(
        line.mark, ("", "")
    )
    return f"{style_text(left, theirs)}{mark}{style_text(right, ours)}", ""


def exchange_to_json(sample: report_queries.StoredSample, request_changes: str = "") -> dict[str, Any]:
    exchange, shadow = sample.replay.exchange, sample.replay.shadow
    if isinstance(shadow, ShadowResponse):
        other: dict[str, Any] = {**asdict(shadow), "answer": _response_to_json(shadow.response)}
        del other["response"]  # in the JSON it is `answer`
    else:
        other = asdict(shadow)
    return {
        "launch": sample.launch,
        "exchange": sample.exchange_id,
        "signature": sample.fingerprint,
        "captured_at": sample.captured_at,
        "endpoint": exchange.endpoint,
        "request_changes": request_changes or None,
        "request": {**asdict(exchange.request), "body": _decode_body(exchange.request.body)},
        "primary": _response_to_json(exchange.primary),
        "shadow": other,
        "differences": sample.differences,
    }


def _response_to_json(answer: Response) -> dict[str, Any]:
    return {
        "status": answer.status,
        "headers": answer.headers,
        "latency_ms": answer.latency_ms,
        "body": _parse_body(format_body(answer)),
    }


def _parse_body(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _decode_body(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")

"""`inspect`: one exchange with both answers side by side, and where they differ."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import click
import orjson
from darklaunch_comparator.compare import body_text, readable_body
from darklaunch_comparator.store import report_queries, signatures
from darklaunch_shared.wire.exchange import Request, Response
from darklaunch_shared.wire.replay import ShadowError, ShadowResponse

from darklaunch_console.output.numbers import milliseconds
from darklaunch_console.output.screen import (
    BAD,
    GOOD,
    QUIET,
    STRONG,
    WARN,
    columns,
    folded,
    from_outside,
    json_option,
    paint,
    say_json,
    show,
)
from darklaunch_console.output.text import printable
from darklaunch_console.reports.columns import EXCUSED, LEGEND, ColumnLine, excuse, lay_out, parts, whole
from darklaunch_console.reports.evidence import example
from darklaunch_console.reports.masked_places import masked_places
from darklaunch_console.reports.sample import check_id, find_sample
from darklaunch_console.reports.sentences import clock
from darklaunch_console.reports.side_by_side import (
    DIFFERS,
    LEFT,
    RIGHT,
    SAME,
    SideBySideRow,
    json_rows,
    parse,
    text_rows,
)
from darklaunch_console.settings import ConsoleSettings
from darklaunch_console.stores.postgres import open_postgres

WIDEST: Final = 200
REQUEST_LINES: Final = 12
BODY_LINES: Final = 10
"""Lines shown of bodies in which nothing differs."""

HEADS: Final = ColumnLine("primary", "shadow", SAME)
NAME_COLUMNS: Final = 20

Text = tuple[str, str]
"""A line and its style."""
Fact = tuple[str, str | None, str | None, str]
"""A name, what the primary and the shadow have there, and the mark."""


@click.command(short_help="Show one exchange: request, both answers, and where they differ.")
@click.argument("exchange", callback=check_id, metavar="ID")
@click.option("--launch", metavar="NAME", help="Which launch's, when several mirrored the same request.")
@json_option
@click.pass_obj
def inspect(settings: ConsoleSettings, exchange: str, launch: str | None, in_json: bool) -> None:
    """Show one exchange: the request, then both answers side by side, with the places where they differ marked.

    Left is the primary, right the shadow; the mark between them says what differs. What is longer than the terminal is
    shown in your pager.
    """
    with open_postgres(settings) as connection:
        sample = find_sample(connection, exchange, launch)
        known = {each.fingerprint: each for each in signatures.names(connection, sample.launch)}
    if in_json:
        say_json(_as_json(sample))
        return
    named = known.get(sample.fingerprint)
    show(_told(sample, named.state if named else "", columns(WIDEST)))


def _told(sample: report_queries.StoredSample, state: str, width: int) -> list[Text]:
    request, primary, shadow = sample.replay.exchange.request, sample.replay.exchange.primary, sample.replay.shadow
    differs = from_outside(example(sample.differences, len(sample.differences) + sample.omitted), 240)
    first = f"{request.method} {from_outside(request.target, 200)}: {differs or 'no difference in content'}"
    build = f", build {from_outside(shadow.build, 60)}" if shadow.build else ""
    about = f"{sample.launch}, exchange {sample.exchange_id}, captured {clock(sample.captured_at)} at {request.origin}"
    lines: list[Text] = [(line, BAD) for line in folded(first, more="  ")]
    lines += [(line, "") for line in folded(from_outside(about, 300), more="  ")]
    lines += [(line, "") for line in folded(f"signature {sample.fingerprint}, {state or 'forgotten'}{build}")]
    lines += _request(request)
    lines.append(("", ""))
    if isinstance(shadow, ShadowResponse):
        beside = _beside(sample, primary, shadow.answer, width)
        lines += [_painted(line, width) for line in beside]
        lines += _notes(primary, shadow.answer, sample, {line.mark for line in beside})
    else:
        beside = _heads(_unanswered(primary, shadow), width)
        lines += [_painted(line, width) for line in beside]
    lines += [("", ""), (f"Reproduce it: darklaunch curl {sample.exchange_id}", QUIET)]
    return [(lines[0][0], BAD), *lines[1:]]


def _request(request: Request) -> list[Text]:
    text, described = body_text(Response(0, request.headers, request.body, 0.0))
    if not request.body:
        return []
    try:
        rows = json_rows(parse(text), parse(text)) if text else []
    except ValueError:
        rows = []
    written = [row.left or "" for row in rows] or (described or text).splitlines()
    shown = [(f"  {from_outside(line, WIDEST)}", "") for line in written[:REQUEST_LINES]]
    if len(written) > REQUEST_LINES:
        shown.append((f"  ⋮ {len(written) - REQUEST_LINES:,} more lines: --json prints everything", QUIET))
    if masked := masked_places(request):
        shown.append((f"  masked: {', '.join(masked)}", QUIET))
    return [("", ""), ("request body", STRONG), *shown]


def _beside(sample: report_queries.StoredSample, primary: Response, shadow: Response, width: int) -> list[ColumnLine]:
    places = [str(one["path"]) for one in sample.differences]
    lines = _heads(_facts(primary, shadow, places), width)
    rows = _body_rows(primary, shadow)
    if "status" not in places and "latency" not in places and not sample.omitted:
        rows = excuse(rows, places)
    lines.append(ColumnLine("", "", ""))
    if any(row.mark not in (SAME, EXCUSED) for row in rows):
        return [*lines, *lay_out(rows, width)]
    return [*lines, *whole(rows, width, BODY_LINES)]


def _facts(primary: Response, shadow: Response, places: list[str]) -> list[Fact]:
    slow = DIFFERS if "latency" in places else SAME
    facts: list[Fact] = [
        ("status", str(primary.status), str(shadow.status), SAME if primary.status == shadow.status else DIFFERS),
        ("took", milliseconds(primary.latency_ms), milliseconds(shadow.latency_ms), slow),
        ("body", f"{len(primary.body):,} bytes", f"{len(shadow.body):,} bytes", SAME),
    ]
    reported = [place.removeprefix("header:") for place in places if place.startswith("header:")]
    for name in dict.fromkeys(["content-type", *reported]):
        one, other = _header(primary, name), _header(shadow, name)
        mark = SAME if name not in reported else LEFT if other is None else RIGHT if one is None else DIFFERS
        if one is not None or other is not None:
            facts.append((name, one, other, mark))
    return facts


def _unanswered(primary: Response, shadow: ShadowError) -> list[Fact]:
    return [
        ("status", str(primary.status), f"no answer: {shadow.error.value.replace('_', ' ')}", DIFFERS),
        ("took", milliseconds(primary.latency_ms), f"given up after {milliseconds(shadow.waited_ms)}", DIFFERS),
        ("body", f"{len(primary.body):,} bytes", None, LEFT),
        ("why", None, from_outside(shadow.detail), RIGHT),
    ]


def _heads(facts: list[Fact], width: int) -> list[ColumnLine]:
    """Lay out what is known of the answers apart from their bodies, each fact behind its name."""
    longest = min(NAME_COLUMNS, max(len(name) for name, *_ in facts))
    rows: list[SideBySideRow] = []
    for name, *values, mark in facts:
        left, right = (None if value is None else f"{name:{longest}}  {value}" for value in values)
        rows.append(SideBySideRow(left, right, name, mark))
    return [HEADS, *whole(rows, width)]


def _header(answer: Response, name: str) -> str | None:
    values = [value for field, value in answer.headers if field == name]
    return ", ".join(values) if values else None


def _body_rows(primary: Response, shadow: Response) -> list[SideBySideRow]:
    (left, told), (right, told_too) = body_text(primary), body_text(shadow)
    try:
        return json_rows(parse(left), parse(right))
    except ValueError:
        pass
    if told and told_too:
        return [SideBySideRow(told, told_too, "the body", SAME if told == told_too else DIFFERS)]
    return text_rows([told] if told else _lines(left), [told_too] if told_too else _lines(right))


def _lines(text: str) -> list[str]:
    try:
        return [row.left or "" for row in json_rows(parse(text), parse(text))]
    except ValueError:
        return [printable(line, keep="\t").expandtabs(4) for line in text.split("\n")] if text else []


def _notes(primary: Response, shadow: Response, sample: report_queries.StoredSample, marks: set[str]) -> list[Text]:
    used = [f"{mark} {meaning}" for mark, meaning in LEGEND.items() if mark in marks]
    lines: list[Text] = [("", ""), ("   ".join(used), QUIET)] if used else []
    reported = {str(one["path"]) for one in sample.differences}
    names = sorted({name for name, _ in set(primary.headers) ^ set(shadow.headers)})
    others = [from_outside(name, 40) for name in names if f"header:{name}" not in reported]
    if others:
        told = f"Headers that differ and are not compared, or mean the same: {', '.join(others)}"
        lines += [(line, QUIET) for line in folded(told, more="  ")]
    return lines


def _painted(line: ColumnLine, width: int) -> Text:
    """Paint the sides of a line; a mark says without colour what the colour says."""
    left, mark, right = parts(line, width)
    if line == HEADS or not line.mark:
        return left + mark + right, QUIET if left.startswith("⋮") else STRONG
    theirs, ours = {DIFFERS: (BAD, GOOD), LEFT: (BAD, ""), RIGHT: ("", GOOD), EXCUSED: (WARN, WARN)}.get(
        line.mark, ("", "")
    )
    return f"{paint(left, theirs)}{mark}{paint(right, ours)}", ""


def _as_json(sample: report_queries.StoredSample) -> dict[str, Any]:
    exchange, shadow = sample.replay.exchange, sample.replay.shadow
    if isinstance(shadow, ShadowResponse):
        other: dict[str, Any] = {**asdict(shadow), "answer": _answer(shadow.answer)}
    else:
        other = asdict(shadow)
    return {
        "launch": sample.launch,
        "exchange": sample.exchange_id,
        "signature": sample.fingerprint,
        "captured_at": sample.captured_at,
        "endpoint": exchange.endpoint,
        "request": {**asdict(exchange.request), "body": _text(exchange.request.body)},
        "primary": _answer(exchange.primary),
        "shadow": other,
        "differences": sample.differences,
    }


def _answer(answer: Response) -> dict[str, Any]:
    return {
        "status": answer.status,
        "headers": answer.headers,
        "latency_ms": answer.latency_ms,
        "body": _document(readable_body(answer)),
    }


def _document(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")

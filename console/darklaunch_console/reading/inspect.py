"""`inspect`: one exchange with both answers, and where they differ."""

from __future__ import annotations

import difflib
from dataclasses import asdict
from typing import Any

import click
import orjson
from darklaunch_comparator.compare import readable_body
from darklaunch_comparator.store import read
from darklaunch_shared.exchange import Answer
from darklaunch_shared.replay import Answered

from darklaunch_console.output.numbers import milliseconds
from darklaunch_console.output.screen import BAD, GOOD, QUIET, from_outside, json_option, say, say_json
from darklaunch_console.output.text import printable
from darklaunch_console.settings import Settings
from darklaunch_console.stores import open_postgres

from .evidence import example
from .exchange import check_id, find_sample
from .words import clock

LINES_AT_MOST = 200


@click.command(short_help="Show one exchange: request, both answers, and where they differ.")
@click.argument("exchange", callback=check_id, metavar="ID")
@click.option("--launch", metavar="NAME", help="Which launch's, when several mirrored the same request.")
@json_option
@click.pass_obj
def inspect(settings: Settings, exchange: str, launch: str | None, in_json: bool) -> None:
    """Show one exchange: the request, both answers, and line by line where they differ.

    Lines marked − are the primary's, + the shadow's.
    """
    with open_postgres(settings) as connection:
        sample = find_sample(connection, exchange, launch)
    if in_json:
        say_json(_as_json(sample))
        return
    request, primary, shadow = sample.replay.exchange.request, sample.replay.exchange.primary, sample.replay.shadow
    differs = from_outside(example(sample.differences, len(sample.differences) + sample.omitted), 300)
    say(f"{request.method} {from_outside(request.target, 200)}: {differs or 'no difference in content'}", style=BAD)
    say(f"{sample.launch}, exchange {sample.exchange_id}, captured {clock(sample.captured_at)} at {request.origin}")
    say(f"  primary  {_answer(primary)}")
    if isinstance(shadow, Answered):
        say(f"  shadow   {_answer(shadow.answer)}")
        say()
        for mark, line in _beside(primary, shadow.answer):
            say(f"{mark} {line}", style={"−": BAD, "+": GOOD}.get(mark, ""))
    else:
        waited = milliseconds(shadow.waited_ms)
        say(f"  shadow   no answer after {waited}: {shadow.error}, {from_outside(shadow.detail)}")
    say()
    say(f"Reproduce it: darklaunch curl {sample.exchange_id}", style=QUIET)


def _answer(answer: Answer) -> str:
    kind = next((value for name, value in answer.headers if name == "content-type"), "no content type")
    return f"{answer.status}, {len(answer.body):,} bytes, {from_outside(kind, 60)}, {milliseconds(answer.latency_ms)}"


def _beside(primary: Answer, shadow: Answer) -> list[tuple[str, str]]:
    left, right = _lines(primary), _lines(shadow)
    marks = {"-": "−", "+": "+", " ": " "}
    compared = difflib.unified_diff(left, right, n=3, lineterm="")
    body = [(marks[line[0]], line[1:]) for line in compared if line[0] in marks and line[:3] not in ("---", "+++")]
    if not body:
        body = [(" ", line) for line in left[:20]]
    if len(body) > LINES_AT_MOST:
        body = [*body[:LINES_AT_MOST], ("…", f"{len(body) - LINES_AT_MOST:,} more lines: --json prints everything")]
    return body


def _lines(answer: Answer) -> list[str]:
    return [printable(line, keep="\t") for line in readable_body(answer).splitlines()]


def _as_json(sample: read.Sample) -> dict[str, Any]:
    exchange, shadow = sample.replay.exchange, sample.replay.shadow
    if isinstance(shadow, Answered):
        other: dict[str, Any] = {**asdict(shadow), "answer": _told(shadow.answer)}
    else:
        other = asdict(shadow)
    return {
        "launch": sample.launch,
        "exchange": sample.exchange_id,
        "signature": sample.fingerprint,
        "captured_at": sample.captured_at,
        "endpoint": exchange.endpoint,
        "request": {**asdict(exchange.request), "body": _text(exchange.request.body)},
        "primary": _told(exchange.primary),
        "shadow": other,
        "differences": sample.differences,
    }


def _told(answer: Answer) -> dict[str, Any]:
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

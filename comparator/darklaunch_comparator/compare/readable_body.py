"""A body as a person reads it: decoded, JSON laid out over lines, anything else by size and digest."""

import orjson
from darklaunch_shared.wire.exchange import Response

from darklaunch_comparator.content import (
    CorruptBody,
    InflatedTooLarge,
    UnsupportedCoding,
    inflate,
    parse_media_type,
    to_utf8,
)

from . import render


def format_body(answer: Response) -> str:
    """Return an answer's body as text; what is not text, or does not decode, is described in a line.

    The text is as it came otherwise: control characters are the caller's to escape.
    """
    text, described = decode_body(answer)
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, TypeError):
        return described or text


def decode_body(answer: Response) -> tuple[str, str]:
    """Return an answer's body as the text it is, and "" or else, when it is no text, its description in a line."""
    described = {name: value for name, value in answer.headers if name in ("content-type", "content-encoding")}
    encoding = described.get("content-encoding", "")
    try:
        content = inflate(answer.body, encoding) if encoding else answer.body
        text = to_utf8(content, parse_media_type(described.get("content-type", "")).charset)
    except (CorruptBody, InflatedTooLarge, UnsupportedCoding) as why:
        return "", f"{render.render_bytes(answer.body)}: {why}"
    try:
        return text.decode(), ""
    except UnicodeDecodeError:
        return "", render.render_bytes(content)

"""A body for people to read: decoded, JSON laid out over lines, what is not text by size and digest."""

import orjson
from darklaunch_shared.wire.exchange import Response

from darklaunch_comparator.content import UndecodableBody, inflate, parse_media_type, read_content_headers, to_utf8

from . import render


def format_body(response: Response) -> str:
    """Return a response's body as text, JSON laid out over lines; one that is not text is described in a line.

    Control characters stay as they are: the caller has to escape them.
    """
    text, description = decode_body(response)
    try:
        return orjson.dumps(orjson.loads(text), option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, TypeError):
        return description or text


def decode_body(response: Response) -> tuple[str, str]:
    """Return a response's body as text and "", or "" and a description in a line if it is not text."""
    content_type, encoding = read_content_headers(response.headers)
    try:
        content = inflate(response.body, encoding) if encoding else response.body
        text = to_utf8(content, parse_media_type(content_type).charset)
    except UndecodableBody as error:
        return "", f"{render.render_bytes(response.body)}: {error}"
    try:
        return text.decode(), ""
    except UnicodeDecodeError:
        return "", render.render_bytes(content)

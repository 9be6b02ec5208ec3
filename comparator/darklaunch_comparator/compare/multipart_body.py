"""Read a multipart body as a document, so that it is compared part by part: `$.meta.total`, `$.avatar.content`, `$[1]`.

Parts that all have names, as a form's have, are the members of an object, others the elements of an array. What a part
holds stands for it: JSON as it is, text as a string, anything else by its length and digest.
"""

import orjson

from darklaunch_comparator.content import (
    BodyFamily,
    CorruptBody,
    Part,
    choose_family,
    parse_media_type,
    split_multipart,
    to_utf8,
)

from . import render
from .model import Json


def read_multipart(content: bytes, content_type: str) -> list[Json] | dict[str, Json] | None:
    """Return a body's parts as a document; None if it has none."""
    parts = split_multipart(content, content_type)
    if parts is None:
        return None
    if not parts or not all(part.name for part in parts):
        return [_read_part(part) for part in parts]
    members: dict[str, list[Json]] = {}
    for part in parts:
        members.setdefault(part.name, []).append(_read_part(part))
    return {name: values if len(values) > 1 else values[0] for name, values in members.items()}


def _read_part(part: Part) -> Json:
    content = _read_content(part)
    described: dict[str, Json] = {}
    if part.filename:
        described["filename"] = part.filename
    if part.content_type:
        described["type"] = parse_media_type(part.content_type).type
    if part.encoding not in ("", "7bit", "8bit", "binary"):
        described["encoding"] = part.encoding
    return {**described, "content": content} if described.keys() - {"type"} or part.filename else content


def _read_content(part: Part) -> Json:
    media_type = parse_media_type(part.content_type)
    family = choose_family(media_type, media_type, part.content, part.content)
    if family is BodyFamily.BINARY:
        return render.render_bytes(part.content)
    try:
        text = to_utf8(part.content, media_type.charset).decode()
    except (CorruptBody, UnicodeDecodeError):
        return render.render_bytes(part.content)
    if family is BodyFamily.JSON:
        try:
            document: Json = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        return document
    return text

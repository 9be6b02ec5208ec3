"""Find where an answer holds identifiers that machines make up: where a version may be seen to repeat its own."""

from typing import Final, cast

import orjson
from darklaunch_shared.wire.exchange import Response

from darklaunch_comparator.content import (
    BodyFamily,
    CorruptBody,
    InflatedTooLarge,
    UnsupportedCoding,
    choose_family,
    inflate,
    parse_media_type,
    to_utf8,
)
from darklaunch_comparator.places import ROOT, JsonPlace

from .bodies import described
from .identifier_shape import SHORTEST, is_map
from .json_parse import DEPTH_CAP
from .model import Json
from .volatile import holds_identifier

BODY_CAP_BYTES: Final = 262_144
ELEMENTS: Final = 3
"""Elements of an array looked at, which share an index-free path: what the first ones hold, the others hold as well."""
TEXTS_CAP: Final = 5_000
"""Strings looked at; what a larger answer holds beyond is left to its next answer, or not known."""


def find_identifier_places(answer: Response) -> frozenset[str]:
    """List the index-free paths in a JSON answer that hold identifiers; none when it is not JSON, or too large."""
    content = _content(answer)
    if content is None:
        return frozenset()
    found: set[str] = set()
    todo: list[tuple[Json, JsonPlace]] = [(content, ROOT)]
    texts = 0
    while todo and texts < TEXTS_CAP:
        part, path = todo.pop()
        if path.depth > DEPTH_CAP:
            continue
        if isinstance(part, dict):
            held = [(name, value) for name, value in part.items() if _may_hold(value)]
            if held:
                data = is_map(part)
                todo.extend([(value, path.key(name, in_map=data)) for name, value in held])
        elif isinstance(part, list):
            todo.extend([(value, path.index(at)) for at, value in enumerate(part[:ELEMENTS]) if _may_hold(value)])
        elif isinstance(part, str):
            texts += 1
            if holds_identifier(part):
                found.add(path.group_path)
    return frozenset(found)


def _may_hold(value: Json) -> bool:
    # before a path is made for it: most of a document is numbers and short texts
    return len(value) >= SHORTEST if type(value) is str else isinstance(value, dict | list)


def _content(answer: Response) -> Json:
    if not answer.body or len(answer.body) > BODY_CAP_BYTES:
        return None
    content_type, encoding = described(answer)
    try:
        kind = parse_media_type(content_type)
        text = to_utf8(inflate(answer.body, encoding) if encoding else answer.body, kind.charset)
        if len(text) > BODY_CAP_BYTES or choose_family(kind, kind, text, text) is not BodyFamily.JSON:
            return None
        return cast(Json, orjson.loads(text))
    except (CorruptBody, InflatedTooLarge, UnsupportedCoding, orjson.JSONDecodeError):
        return None

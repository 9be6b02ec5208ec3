"""Find where a response holds made-up identifiers: there a version may turn out to repeat its own."""

from typing import Final, cast

import orjson
from darklaunch_shared.wire.exchange import Response

from darklaunch_comparator.content import (
    BodyFamily,
    UndecodableBody,
    choose_family,
    inflate,
    parse_media_type,
    read_content_headers,
    to_utf8,
)
from darklaunch_comparator.places import ROOT, JsonPlace

from .identifier_shape import SHORTEST_CHARS, is_map
from .json_parse import DEPTH_CAP
from .model import Json
from .volatile import holds_identifier

BODY_CAP_BYTES: Final = 262_144
ELEMENTS_CAP: Final = 3
"""Elements of an array that are searched. They share an index-free path, so the first ones are enough."""
TEXTS_CAP: Final = 5_000
"""Strings that are searched; what a larger response holds beyond is found in a later one, or never."""


def find_identifier_places(response: Response) -> frozenset[str]:
    """Return the index-free paths in a JSON response that hold identifiers; empty if it is not JSON, or too large."""
    document = _parse(response)
    if document is None:
        return frozenset()
    paths: set[str] = set()
    todo: list[tuple[Json, JsonPlace]] = [(document, ROOT)]
    texts = 0
    while todo and texts < TEXTS_CAP:
        part, place = todo.pop()
        if place.depth > DEPTH_CAP:
            continue
        if isinstance(part, dict):
            members = [(name, value) for name, value in part.items() if _may_hold_identifier(value)]
            if members:
                in_map = is_map(part)
                todo.extend([(value, place.key(name, in_map=in_map)) for name, value in members])
        elif isinstance(part, list):
            elements = enumerate(part[:ELEMENTS_CAP])
            todo.extend([(value, place.index(at)) for at, value in elements if _may_hold_identifier(value)])
        elif isinstance(part, str):
            texts += 1
            if holds_identifier(part):
                paths.add(place.group_path)
    return frozenset(paths)


def _may_hold_identifier(value: Json) -> bool:
    # Asked before a place is created for it: most of a document is numbers and short texts.
    return len(value) >= SHORTEST_CHARS if type(value) is str else isinstance(value, dict | list)


def _parse(response: Response) -> Json:
    if not response.body or len(response.body) > BODY_CAP_BYTES:
        return None
    content_type, encoding = read_content_headers(response.headers)
    try:
        media_type = parse_media_type(content_type)
        text = to_utf8(inflate(response.body, encoding) if encoding else response.body, media_type.charset)
        is_json = choose_family(media_type, media_type, text, text) is BodyFamily.JSON
        return cast(Json, orjson.loads(text)) if is_json and len(text) <= BODY_CAP_BYTES else None
    except (UndecodableBody, orjson.JSONDecodeError):
        return None

"""Find where a response holds what is excused by its form: there a version may turn out to repeat its own."""

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
from .timestamps import LEAST_EPOCH
from .volatile import find_time_unit_ms, holds_identifier, list_names

BODY_CAP_BYTES: Final = 262_144
ELEMENTS_CAP: Final = 3
"""Elements of an array that are searched. They share an index-free path, so the first ones are enough."""
_SHORTEST_TIME_CHARS: Final = len("2026-05-01")
TEXTS_CAP: Final = 5_000
"""Strings that are searched; what a larger response holds beyond is found in a later one, or never."""


def find_identifier_places(response: Response, *, responded_at_ms: int = 0, repeated_at_ms: int = 0) -> frozenset[str]:
    """Return the index-free paths in a JSON response that hold identifiers; empty if it is not JSON, or too large.

    Given when the response and a second one were sent, epoch ms, also the paths of times within reach that would have
    changed between the two if they moved with the clock: a whole second, minute or hour began, whichever they count.
    """
    document = _parse(response)
    if document is None:
        return frozenset()
    paths: set[str] = set()
    todo: list[tuple[Json, JsonPlace]] = [(document, ROOT)]
    may_hold = _may_hold_identifier_or_time if repeated_at_ms else _may_hold_identifier
    texts = 0
    while todo and texts < TEXTS_CAP:
        part, place = todo.pop()
        if place.depth > DEPTH_CAP:
            continue
        if isinstance(part, dict):
            members = [(name, value) for name, value in part.items() if may_hold(value)]
            if members:
                in_map = is_map(part)
                todo.extend([(value, place.key(name, in_map=in_map)) for name, value in members])
        elif isinstance(part, list):
            elements = enumerate(part[:ELEMENTS_CAP])
            todo.extend([(value, place.index(at)) for at, value in elements if may_hold(value)])
        elif part is not None:
            texts += 1
            unit_ms = find_time_unit_ms(part, list_names(place), responded_at_ms) if repeated_at_ms else None
            if unit_ms is not None:
                if responded_at_ms // unit_ms != repeated_at_ms // unit_ms:
                    paths.add(place.group_path)
            elif isinstance(part, str) and holds_identifier(part):
                paths.add(place.group_path)
    return frozenset(paths)


# Asked before a place is created for a value: most of a document is small numbers and short texts.


def _may_hold_identifier(value: Json) -> bool:
    return len(value) >= SHORTEST_CHARS if type(value) is str else isinstance(value, dict | list)


def _may_hold_identifier_or_time(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) >= _SHORTEST_TIME_CHARS
    if isinstance(value, int | float):
        return value >= LEAST_EPOCH
    return isinstance(value, dict | list)


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

"""Find where a response holds what is excused by its form: there a version may turn out to repeat its own."""

from collections.abc import Iterable
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
from darklaunch_comparator.credentials import hide_in_lines
from darklaunch_comparator.places import ROOT, TOP, JsonPlace, TextPlace, read_shape, write_header_place

from .csv_body import parse_csv_rows
from .form_body import TooManyFields, parse_form
from .headers import list_texts
from .identifier_shape import SHORTEST_SECRET_CHARS, is_map
from .json_parse import DEPTH_CAP
from .model import Json
from .multipart_body import read_multipart
from .page_texts import list_compared_texts
from .timestamps import LEAST_EPOCH
from .volatile import holds_identifier, list_names, list_time_units_ms

BODY_CAP_BYTES: Final = 262_144
ELEMENTS_CAP: Final = 3
"""Elements of an array that are searched. They share an index-free path, so the first ones are enough."""
TEXTS_CAP: Final = 5_000
"""Strings that are searched; what a larger response holds beyond is found in a later one, or never."""


def find_identifier_places(
    response: Response,
    *,
    responded_at_ms: int = 0,
    repeated_at_ms: int = 0,
    compared_headers: frozenset[str] = frozenset(),
) -> frozenset[str]:
    """Return the index-free paths in a response that hold identifiers.

    Given when the response and a second one were sent, epoch ms, also the paths of times within reach that would have
    changed between the two if they moved with the clock: a whole second, minute or hour began, whichever they count.
    `compared_headers` are those that a rule compares. Of a body that is too large nothing is returned.
    """
    search = _Search(responded_at_ms, repeated_at_ms)
    for name, value in list_texts(response.headers, compared_headers):
        search.look_at(value, write_header_place(name), ())
    content_type, encoding = read_content_headers(response.headers)
    if 0 < len(response.body) <= BODY_CAP_BYTES:
        try:
            body = inflate(response.body, encoding, BODY_CAP_BYTES) if encoding else response.body
            _search_body(body, content_type, search)
        except (UndecodableBody, TooManyFields, UnicodeDecodeError, orjson.JSONDecodeError):
            pass  # what cannot be read is compared otherwise, or not at all
    return frozenset(search.paths)


class _Search:
    """What is looked for, and the paths at which it was found."""

    def __init__(self, responded_at_ms: int, repeated_at_ms: int) -> None:
        self._responded_at_ms = responded_at_ms
        self._repeated_at_ms = repeated_at_ms
        self.texts_left = TEXTS_CAP
        self.paths: set[str] = set()

    def look_at(self, value: Json, group_path: str, names: Iterable[str]) -> None:
        """Add the path of a value if it is an identifier, or a time that would have changed."""
        self.texts_left -= 1
        names = list(names)
        units_ms = list_time_units_ms(value, names, self._responded_at_ms) if self._repeated_at_ms else []
        if units_ms:
            if any(self._responded_at_ms // unit != self._repeated_at_ms // unit for unit in units_ms):
                self.paths.add(group_path)
        elif isinstance(value, str) and holds_identifier(value, names):
            self.paths.add(group_path)

    def may_hold(self, value: Json) -> bool:
        """True for what is worth a place of its own: most of a document is small numbers and short texts."""
        if isinstance(value, str):
            return len(value) >= SHORTEST_SECRET_CHARS
        if isinstance(value, int | float):
            return value >= LEAST_EPOCH and self._repeated_at_ms > 0
        return isinstance(value, dict | list)


def _search_body(body: bytes, content_type: str, search: _Search) -> None:
    media_type = parse_media_type(content_type)
    family = choose_family(media_type, media_type, body, body)
    if family is BodyFamily.BINARY:
        return
    if family is BodyFamily.MULTIPART:
        _search_document(read_multipart(body, content_type), search)
        return
    text = to_utf8(body, media_type.charset)
    if len(text) > BODY_CAP_BYTES:
        return
    if family is BodyFamily.JSON:
        _search_document(cast(Json, orjson.loads(text)), search)
    elif family is BodyFamily.LINES:
        _search_document([cast(Json, orjson.loads(line)) for line in text.splitlines()[:ELEMENTS_CAP] if line], search)
    elif family is BodyFamily.CSV and (rows := parse_csv_rows(text)) is not None:
        _search_document(rows, search)
    elif family is BodyFamily.FORM:
        _search_document(parse_form(text), search)
    else:
        texts = None
        if family in (BodyFamily.HTML, BodyFamily.XML):
            texts = list_compared_texts(text, is_html=family is BodyFamily.HTML)
        if texts is None:
            lines = text.decode().split("\n")[:TEXTS_CAP]
            names = [read_shape(line).name for line in hide_in_lines(lines)]
            texts = [(TOP.line(name), line) for name, line in zip(names, lines, strict=True)]
        _search_texts(texts, search)


def _search_document(document: Json, search: _Search) -> None:
    todo: list[tuple[Json, JsonPlace]] = [(document, ROOT)]
    while todo and search.texts_left > 0:
        part, place = todo.pop()
        if place.depth > DEPTH_CAP:
            continue
        if isinstance(part, dict):
            members = [(name, value) for name, value in part.items() if search.may_hold(value)]
            if members:
                in_map = is_map(part)
                todo.extend([(value, place.key(name, in_map=in_map)) for name, value in members])
        elif isinstance(part, list):
            elements = enumerate(part[:ELEMENTS_CAP])
            todo.extend([(value, place.index(at)) for at, value in elements if search.may_hold(value)])
        elif part is not None:
            search.look_at(part, place.group_path, list_names(place))


def _search_texts(texts: list[tuple[TextPlace, str]], search: _Search) -> None:
    """Search the texts of a page, or lines: each as it is compared, part by part if it has several."""
    for place, text in texts:
        if len(text) < SHORTEST_SECRET_CHARS:
            continue
        if search.texts_left <= 0:
            return
        before = len(search.paths)
        parts = read_shape(text).parts
        for ordinal, part in enumerate(parts if len(parts) > 1 else (), 1):
            if len(part) >= SHORTEST_SECRET_CHARS:
                part_place = place.part(ordinal)
                search.look_at(part, part_place.group_path, list_names(part_place))
        if len(search.paths) == before:  # the numbers in a short token are parts as well, and none of them says more
            search.look_at(text, place.group_path, list_names(place))

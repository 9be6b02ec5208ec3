"""List the texts and attributes of a page with their places, as they are compared."""

from collections.abc import Iterator
from typing import Final

from darklaunch_comparator.content import CODE, Element, parse_html, parse_xml
from darklaunch_comparator.credentials import hide_in_lines
from darklaunch_comparator.places import TOP, TextPlace, read_shape

from .element_places import ChildPlaces

_LINES_CHARS: Final = 200
"""A longer text of several lines is compared by lines."""


def list_text_places(text: bytes, *, is_html: bool) -> list[tuple[TextPlace, str]] | None:
    """List the texts and attributes of a page, each with its place; None if it cannot be parsed."""
    root = parse_html(text) if is_html else parse_xml(text)
    if not isinstance(root, Element):
        return None
    return [(place, value) for _, place, value in _walk_texts(root, is_html=is_html)]


def list_compared_texts(text: bytes, *, is_html: bool) -> list[tuple[TextPlace, str]] | None:
    """List what is compared in a page: as `list_text_places`, but by lines where lines are compared."""
    root = parse_html(text) if is_html else parse_xml(text)
    if not isinstance(root, Element):
        return None
    compared: list[tuple[TextPlace, str]] = []
    for element, place, value in _walk_texts(root, is_html=is_html):
        if element is not None and is_compared_by_lines(element, value, value):
            lines = split_lines(value, element)
            names = [read_shape(line).name for line in hide_in_lines(lines)]
            compared += [(place.line(name), line) for name, line in zip(names, lines, strict=True)]
        else:
            compared.append((place, value))
    return compared


def _walk_texts(root: Element, *, is_html: bool) -> Iterator[tuple[Element | None, TextPlace, str]]:
    """Yield each attribute and text of a tree with its place; of a text also the element it stands in."""
    todo = [(root, TOP.element(root.local_name, 1, is_only=True, is_listed=False))]
    while todo:
        element, place = todo.pop()
        for name, value in element.attributes.items():
            yield None, place.attribute(name.rpartition("}")[2]), value
        texts = element.list_texts()
        for position, value in enumerate(texts, 1):
            yield element, place if len(texts) == 1 else place.text(position), value.strip()
        places = ChildPlaces(element, place, is_html=is_html)
        todo += [(child, places.find(at)) for at, child in enumerate(element.children)]


def is_compared_by_lines(element: Element, primary: str, shadow: str) -> bool:
    """True if two texts of an element are compared by lines: code, and long texts of several lines."""
    is_long = max(len(primary), len(shadow)) > _LINES_CHARS and ("\n" in primary or "\n" in shadow)
    return is_long or element.name in CODE


def split_lines(text: str, element: Element) -> list[str]:
    """Split a text into lines; how a script is indented means nothing."""
    lines = text.split("\n")
    return [line.strip() for line in lines] if element.name in CODE else lines

"""Name the places of an element's children: what tells them from their namesakes, and which of them are a list."""

import re
from collections import Counter
from typing import Final

from darklaunch_comparator.content import Element
from darklaunch_comparator.places import TextPlace, read_shape, write_label

LISTED_ITEMS: Final = 8
"""Rows and items beyond which their number is taken for data: then all of them are one place where they are grouped."""
LISTED_ELEMENTS: Final = 30
"""The same for all other elements: paragraphs and boxes of a page are told apart by their position."""

_ITEMS: Final = frozenset("article dd dt li option tr".split())  # noqa: SIM905
_CELLS: Final = ("td", "th")
_NAMED: Final = frozenset("button fieldset form iframe input map meta output param select slot textarea".split())  # noqa: SIM905
_STABLE_NAME: Final = re.compile(r"[A-Za-z_](?:[A-Za-z_.:\[\]-]|\d(?!\d\d)){0,59}")
_STABLE_ID: Final = re.compile(r"[A-Za-z_][A-Za-z_.:-]{0,59}")
_HEADING: Final = re.compile(r"[^\d'\"/\[\]]{1,40}")


class ChildPlaces:
    """The places of the children of one element; `is_html` says in which language it is written."""

    def __init__(self, parent: Element, place: TextPlace, *, is_html: bool) -> None:
        self._children = parent.children
        self._place = place
        self._is_html = is_html
        self._counts = Counter([child.name for child in parent.children])
        self._positions: list[int] | None = None
        self.labels = _find_labels(parent, self._counts, is_html=is_html)

    def find(self, at: int) -> TextPlace:
        """Return the place of a child by its position among all."""
        child = self._children[at]
        count = self._counts[child.name]
        return self._place.element(
            child.local_name,
            self._list_positions()[at],
            is_only=count == 1,
            is_listed=self.is_listed(child.name),
            label=self.labels[at],
        )

    def is_listed(self, name: str) -> bool:
        """True if the children of a name are a list, whose length is data."""
        count = self._counts[name]
        if not self._is_html:
            return count > 1
        if name == "tr":
            return True
        return name not in _CELLS and count > (LISTED_ITEMS if name in _ITEMS else LISTED_ELEMENTS)

    def _list_positions(self) -> list[int]:
        if self._positions is None:
            seen: Counter[str] = Counter()
            self._positions = []
            for child in self._children:
                seen[child.name] += 1
                self._positions.append(seen[child.name])
        return self._positions


def _find_labels(parent: Element, counts: Counter[str], *, is_html: bool) -> list[str]:
    """Return what tells each child from its namesakes, "" where that is nothing but its position."""
    labels: list[str] = []
    heading = ""
    for child in parent.children:
        label = _find_attribute_label(child, is_html=is_html) if child.attributes else ""
        if not label and is_html:
            if child.name == "dt":
                heading = _read_heading(child)
            elif child.name == "dd":
                label = write_label("dt", heading) if heading and counts["dd"] <= LISTED_ELEMENTS else ""
            elif child.name == "tr":
                label = _find_row_label(child, counts["tr"])
        labels.append(label)
    uses = Counter(zip([child.name for child in parent.children], labels, strict=True))
    return [label if uses[child.name, label] == 1 else "" for child, label in zip(parent.children, labels, strict=True)]


def _find_attribute_label(child: Element, *, is_html: bool) -> str:
    attributes = child.attributes
    if is_html and child.name == "meta" and "property" in attributes:
        names: tuple[str, ...] = ("property",)
    elif is_html and child.name not in _NAMED:
        names = ("id",)
    else:
        names = ("name", "id") if is_html else ("name", "key", "id")
    for name in names:
        value = attributes.get(name, "")
        if (_STABLE_ID if name == "id" else _STABLE_NAME).fullmatch(value):
            return write_label(f"@{name}", value)
    return ""


def _find_row_label(row: Element, rows: int) -> str:
    """Return the heading of a row that names one value: a `th` before its cells, or the first of two cells."""
    cells = row.children
    if len(cells) < 2 or cells[1].name != "td" or rows > LISTED_ELEMENTS:
        return ""
    if cells[0].name == "td" and (len(cells) > 2 or rows > LISTED_ITEMS):
        return ""
    heading = _read_heading(cells[0])
    return write_label(cells[0].name, heading) if heading else ""


def _read_heading(element: Element) -> str:
    text = "".join(element.texts).strip()
    return text if _HEADING.fullmatch(text) and read_shape(text).frame == text else ""

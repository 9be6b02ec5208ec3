"""Parse HTML and XML into trees of elements, in bounded time, memory and depth.

libxml2 (through lxml) reads what browsers read: unclosed tags, bare ampersands, tags in upper case. It reports events,
from which a plain tree is built here, so that no input can make the tree deeper or larger than the caps. Entities
beyond the predefined ones are never expanded and nothing is loaded from elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Final, cast

DEPTH_CAP: Final = 200
ELEMENTS_CAP: Final = 50_000
ATTRIBUTES_CAP: Final = 100_000

_WHITE_SPACE: Final = " \t\n\r\f"
_RUNS: Final = re.compile(r"[ \t\n\r\f]+")
_LOCATION: Final = re.compile(r" \(<string>.*\Z", re.DOTALL)
_ENTITY: Final = re.compile(rb"<!ENTITY", re.IGNORECASE)
_INLINE: Final = frozenset(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q s samp small span strike strong
    sub sup time tt u var wbr
    """.split()  # noqa: SIM905 - a list literal of strings reads worse
)
"""Elements that text flows through. All others begin and end a line, or stand in it like a character (`_REPLACED`)."""
_REPLACED: Final = frozenset(
    "audio button canvas embed iframe img input meter object output picture progress select svg video".split()  # noqa: SIM905
)
_EXACT: Final = frozenset(("pre", "textarea", "listing", "plaintext"))
CODE: Final = frozenset(("script", "style"))
"""Elements that hold text in a language of its own, which is compared by lines."""
_BOOLEAN: Final = frozenset(
    """
    allowfullscreen async autofocus autoplay checked controls default defer disabled formnovalidate hidden inert ismap
    itemscope loop multiple muted nomodule novalidate open playsinline readonly required reversed selected
    """.split()  # noqa: SIM905
)


class Element:
    """An element: its name, its attributes, its children, and the texts before, between and after them.

    There is one more text than there are children. White space that is not shown is left out; where a text follows
    shown white space it starts with one space. `digest` is equal for equal elements of one process.
    """

    # A plain class with slots, because a page has thousands.
    __slots__ = ("attributes", "children", "digest", "name", "texts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.texts: list[str] = []
        self.digest = 0

    @property
    def local_name(self) -> str:
        """The name without its namespace."""
        return self.name.rpartition("}")[2]

    def list_texts(self) -> list[str]:
        """List the texts that are not empty."""
        return [text for text in self.texts if text]


@dataclass(frozen=True, slots=True)
class MalformedMarkup:
    """A body that cannot be read as a tree, and why; `is_invalid` if it is not what its headers say."""

    reason: str
    is_invalid: bool = False


def parse_html(text: bytes) -> Element | MalformedMarkup:
    """Parse an HTML page, or a piece of one, in UTF-8."""
    # libxml2 of some releases stops at NUL
    return _parse(text.replace(b"\0", b"\xef\xbf\xbd"), html=True)


def parse_xml(text: bytes) -> Element | MalformedMarkup:
    """Parse an XML document in UTF-8. One that declares entities is not read: they may stand for anything."""
    if _ENTITY.search(text):
        return MalformedMarkup("XML that declares entities, which are not expanded")
    return _parse(text, html=False)


class _TooLarge(Exception):
    """The tree would pass a cap; the message says which."""


class _TreeBuilder:
    """Builds a tree from a parser's events. `close` returns its root, None if there is no element."""

    def __init__(self, *, html: bool) -> None:
        self._is_html = html
        self._root: Element | None = None
        self._open: list[Element] = []
        self._pieces: list[str] = []
        self._elements = 0
        self._attributes = 0
        self._exact_depth = 0
        # Of a line of text: whether nothing stands in it yet, and whether white space is to be shown before more.
        self._at_start = True
        self._has_space = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        opened = self._open
        self._elements += 1
        if self._elements > ELEMENTS_CAP:
            raise _TooLarge(f"more than {ELEMENTS_CAP:,} elements")
        if len(opened) >= DEPTH_CAP:
            raise _TooLarge(f"nested more than {DEPTH_CAP} deep")
        element = Element(name, self._read_attributes(attributes) if attributes else {})
        if opened:
            parent = opened[-1]
            parent.texts.append(self._take_text(parent) if self._pieces else "")
            parent.children.append(element)
        elif self._root is None:
            self._root = element
        if self._is_html and name not in _INLINE:
            self._at_start, self._has_space = name not in _REPLACED, False
            self._exact_depth += name in _EXACT
        opened.append(element)

    def end(self, _name: str) -> None:
        element = self._open.pop()
        element.texts.append(self._take_text(element) if self._pieces else "")
        name = element.name
        if self._is_html and name not in _INLINE:
            self._at_start, self._has_space = name not in _REPLACED, False
            self._exact_depth -= name in _EXACT
        attributes = element.attributes
        element.digest = hash(
            (
                name,
                tuple(sorted(attributes.items())) if attributes else None,
                *element.texts,
                *[child.digest for child in element.children],
            )
        )

    def data(self, text: str) -> None:
        self._pieces.append(text)

    def comment(self, _text: str) -> None:
        """Leave out a comment: the text goes on behind it."""

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Leave out a processing instruction."""

    def close(self) -> Element | None:
        return self._root

    def _read_attributes(self, attributes: Mapping[str, str]) -> dict[str, str]:
        self._attributes += len(attributes)
        if self._attributes > ATTRIBUTES_CAP:
            raise _TooLarge(f"more than {ATTRIBUTES_CAP:,} attributes")
        if not self._is_html:
            return dict(attributes)
        return {name: _read_attribute(name, value) for name, value in attributes.items()}

    def _take_text(self, element: Element) -> str:
        """Return the text before a tag as it counts, in the element that it stands in."""
        pieces = self._pieces
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        pieces.clear()
        if not self._is_html:
            return text.strip()
        if element.name in CODE:
            return text.strip()
        if self._exact_depth:
            return text.replace("\r\n", "\n").removeprefix("\n").rstrip(_WHITE_SPACE)
        return self._collapse(text)

    def _collapse(self, text: str) -> str:
        """Leave out the white space that is not shown; what is shown counts as part of the text behind it."""
        words = text.strip(_WHITE_SPACE)
        if not words:
            self._has_space = True
            return ""
        is_apart = not self._at_start and (self._has_space or text[0] in _WHITE_SPACE)
        self._at_start, self._has_space = False, text[-1] in _WHITE_SPACE
        if "\n" in words or "  " in words or "\t" in words or "\r" in words or "\f" in words:
            words = _RUNS.sub(" ", words)
        return f" {words}" if is_apart else words


def _read_attribute(name: str, value: str) -> str:
    """Return an attribute's value as it counts: the order of classes, and how a switch is written, mean nothing."""
    if name == "class":
        return " ".join(sorted(set(value.split())))
    if name in _BOOLEAN:
        return ""
    return value.strip(_WHITE_SPACE)


def _parse(text: bytes, *, html: bool) -> Element | MalformedMarkup:
    library = _import_library()
    if library is None:
        return MalformedMarkup("markup, and lxml is not installed: pip install 'darklaunch[comparator]'")
    builder = _TreeBuilder(html=html)
    try:
        if html:
            parser = library.HTMLParser(target=builder, encoding="utf-8", no_network=True)
        else:
            parser = library.XMLParser(
                target=builder, encoding="utf-8", no_network=True, resolve_entities=False, load_dtd=False
            )
        parser.feed(text)
        root = cast(Element | None, parser.close())
    except _TooLarge as cap:
        return MalformedMarkup(str(cap))
    except library.LxmlError as error:
        return MalformedMarkup(f"not well-formed: {_LOCATION.sub('', str(error))[:100]}", is_invalid=True)
    if root is None:  # white space, or a comment
        return Element("html", {}) if html else MalformedMarkup("not well-formed: it has no element", is_invalid=True)
    return root


@lru_cache(maxsize=1)
def _import_library() -> Any:
    try:
        return import_module("lxml.etree")
    except ImportError:
        return None

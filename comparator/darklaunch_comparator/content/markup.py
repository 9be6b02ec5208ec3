"""Parse HTML and XML into trees of elements, in bounded time, memory and depth.

libxml2 (through lxml) reads what browsers read: unclosed tags, bare ampersands, tags in upper case. It reports events,
from which a plain tree is built here, so that no input can make the tree deeper or larger than the caps. Entities
beyond the predefined ones are never expanded and nothing is loaded from elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(slots=True, eq=False)
class Element:
    """An element: its name, its attributes, its children, and the texts before, between and after them.

    There is one more text than there are children. White space that is not shown is left out; where a text follows
    shown white space it starts with one space. `digest` is equal for equal elements of one process, `outline` for
    elements that differ at most in their texts and in the values of their attributes.
    """

    name: str
    attributes: dict[str, str]
    children: "list[Element]" = field(default_factory=list["Element"])
    texts: list[str] = field(default_factory=list[str])
    digest: int = 0
    outline: int = 0

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
        self._elements += 1
        self._attributes += len(attributes)
        if self._elements > ELEMENTS_CAP:
            raise _TooLarge(f"more than {ELEMENTS_CAP:,} elements")
        if self._attributes > ATTRIBUTES_CAP:
            raise _TooLarge(f"more than {ATTRIBUTES_CAP:,} attributes")
        if len(self._open) >= DEPTH_CAP:
            raise _TooLarge(f"nested more than {DEPTH_CAP} deep")
        if self._open:
            self._end_text()
        if self._is_html:
            element = Element(name, {key: _read_attribute(key, value) for key, value in attributes.items()})
            self._enter_flow(name)
            self._exact_depth += name in _EXACT
        else:
            element = Element(name, dict(attributes))
        if self._open:
            self._open[-1].children.append(element)
        elif self._root is None:
            self._root = element
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._end_text()
        element = self._open.pop()
        if self._is_html:
            self._enter_flow(element.name)
            self._exact_depth -= element.name in _EXACT
        children = element.children
        element.outline = hash((element.name, *element.attributes, *[child.outline for child in children]))
        attributes = tuple(sorted(element.attributes.items())) if element.attributes else ()
        element.digest = hash((element.name, attributes, tuple(element.texts), *[child.digest for child in children]))

    def data(self, text: str) -> None:
        self._pieces.append(text)

    def comment(self, _text: str) -> None:
        """Leave out a comment: the text goes on behind it."""

    def pi(self, _target: str, _data: str | None = None) -> None:
        """Leave out a processing instruction."""

    def close(self) -> Element | None:
        return self._root

    def _enter_flow(self, name: str) -> None:
        if name in _INLINE:
            return
        self._at_start = name not in _REPLACED
        self._has_space = False

    def _end_text(self) -> None:
        """End the text before a tag."""
        element = self._open[-1]
        text = "".join(self._pieces)
        self._pieces.clear()
        if text and self._is_html:
            text = self._collapse(text, element)
        elif text:
            text = text.strip()
        element.texts.append(text)

    def _collapse(self, text: str, element: Element) -> str:
        """Leave out the white space that is not shown; what is shown counts as part of the text behind it."""
        if element.name in CODE:
            return text.strip()
        if self._exact_depth:
            return text.replace("\r\n", "\n").removeprefix("\n").rstrip(_WHITE_SPACE)
        words = _RUNS.sub(" ", text)
        starts_with_space = words[0] == " "
        ends_with_space = words[-1] == " "
        words = words.strip(" ")
        if not words:
            self._has_space = True
            return ""
        is_apart = (self._has_space or starts_with_space) and not self._at_start
        self._at_start, self._has_space = False, ends_with_space
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

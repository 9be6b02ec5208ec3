"""Find the values of credentials in markup, well-formed or not, without building a tree: every byte keeps its place.

    <password>S</password>, <password><v a="S">S</v></password>                      an element of that name
    <input name="password" value="S">, <meta content=S property=csrf-token>          an attribute that says so
    <u password="S">, <div data-csrf-token='S'>                                      an attribute of that name
    <textarea name="secret">S</textarea>, <add key="password"><![CDATA[S]]></add>    the text behind such a tag

Linear in the text: no tag or value is read beyond the next `<`.
"""

import re
from collections.abc import Callable
from typing import Final

Span = tuple[int, int]
_IsCredential = Callable[[str], bool]

_MARKUP: Final = re.compile(
    r"<!\[CDATA\[(?P<cdata>[^<]*?)\]\]>"
    r"|<(?P<close>/?)(?P<name>[A-Za-z_][\w:.-]{0,63})(?![\w:.-])"
    r"(?P<attributes>(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+(?:\"[^\"<>]*\Z|'[^'<>]*\Z)?)>?",
)
_ATTRIBUTE: Final = re.compile(
    r"(?<![^\s\"'/])(?P<name>[^\s\"'<>/=]{1,64})\s*=\s*"
    r"(?:\\{0,8}\"(?P<double>[^\"]*)|\\{0,8}'(?P<single>[^']*)|(?P<bare>[^\s\"'<>]+))"
)
_NAMING: Final = frozenset(("name", "id", "key", "property", "itemprop"))
"""Attributes that say what another one, or the text behind the tag, is."""
_NAMED: Final = frozenset(("value", "content", "data-value"))
_MOST_ELEMENTS: Final = 100
"""Elements with different names of credentials whose end is looked for."""
_EMPTY_ELEMENTS: Final = frozenset(("input", "meta", "link", "br", "hr", "img", "param"))


def find_markup_secrets(text: str, is_credential: _IsCredential) -> list[Span]:
    """Return where the values of credentials stand, (start, end), in order. They do not overlap."""
    return _MarkupScan(text, is_credential).run()


class _MarkupScan:
    """One walk over the tags of a text."""

    def __init__(self, text: str, is_credential: _IsCredential) -> None:
        self._text = text
        self._is_credential = is_credential
        self._spans: list[Span] = []
        self._element = ""  # the open element that a credential is in: everything in it is a value
        self._depth = 0
        self._value_start = -1  # where a text begins that is a value; -1 if the next one is none
        self._last_end: dict[str, int] = {}  # where each element ends for the last time

    def run(self) -> list[Span]:
        """Walk, and return what was found."""
        for tag in _MARKUP.finditer(self._text):
            is_value = self._value_start >= 0
            self._end_text(tag.start())
            if tag["cdata"] is not None:
                if is_value:
                    self._add(*tag.span("cdata"))
                self._value_start = tag.end() if self._element else -1
            elif self._element:
                self._read_inside(tag)
            elif not tag["close"]:
                self._read_tag(tag)
        self._end_text(len(self._text))
        return self._spans

    def _read_tag(self, tag: re.Match[str]) -> None:
        """Read an opening tag outside of credentials."""
        name, attributes = tag["name"], _read_attributes(tag)
        names_credential = any(
            attribute in _NAMING and self._is_credential(self._text[start:end]) for attribute, start, end in attributes
        )
        for attribute, start, end in attributes:
            if (names_credential and attribute in _NAMED) or self._is_credential(attribute):
                self._add(start, end)
        if tag["attributes"].endswith("/") or name.lower() in _EMPTY_ELEMENTS:
            return
        if self._is_credential(name) and self._ends_after(name, tag.end()):
            self._element, self._depth = name, 1
            self._value_start = tag.end()
        elif names_credential or (self._is_credential(name) and not self._text[tag.end() : tag.end() + 1].isspace()):
            self._value_start = tag.end()  # up to the next tag; the element may be broken off

    def _read_inside(self, tag: re.Match[str]) -> None:
        """Read a tag within the element of a credential."""
        if tag["name"] == self._element and not tag["attributes"].endswith("/"):
            self._depth += -1 if tag["close"] else 1
            if not self._depth:
                self._element = ""
                return
        for _, start, end in _read_attributes(tag):
            self._add(start, end)
        self._value_start = tag.end()

    def _ends_after(self, name: str, position: int) -> bool:
        """True if an element that begins here ends somewhere, or that would take too long to find out."""
        if name not in self._last_end:
            if len(self._last_end) >= _MOST_ELEMENTS:
                return True
            self._last_end[name] = self._text.rfind(f"</{name}")
        return self._last_end[name] >= position

    def _end_text(self, end: int) -> None:
        if self._value_start >= 0:
            text = self._text[self._value_start : end]
            start = self._value_start + len(text) - len(text.lstrip())
            self._add(start, start + len(text.strip()))
        self._value_start = -1

    def _add(self, start: int, end: int) -> None:
        if start < end:
            self._spans.append((start, end))


def _read_attributes(tag: re.Match[str]) -> list[tuple[str, int, int]]:
    """Return the attributes of a tag: name in lower case, start and end of the value."""
    attributes: list[tuple[str, int, int]] = []
    for match in _ATTRIBUTE.finditer(tag.string, *tag.span("attributes")):
        start, end = match.span(match.lastgroup or "")
        while end > start and tag.string[end - 1] == "\\":  # name=\"value\" within a string
            end -= 1
        attributes.append((match["name"].lower(), start, end))
    return attributes

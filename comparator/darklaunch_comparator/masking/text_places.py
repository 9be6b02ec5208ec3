"""Mask values at places in HTML, XML and other text, and leave the rest of the text as it was.

A parser does not say where in a text a value stood. So the values are looked for, wherever they stand between or in
tags, and the result is read once more: if a value is still to be seen at its place, the text is withheld.
"""

import html
import re
from collections.abc import Callable
from typing import Final

from darklaunch_comparator.compare import list_text_places
from darklaunch_comparator.content import CODE
from darklaunch_comparator.credentials import MASKED, hide_in_lines
from darklaunch_comparator.places import LINE, PART, TOP, TextPlace, leads_to, read_shape

from .mask_places import MaskPlaces

_TAG: Final = re.compile(r"(<[A-Za-z/][^<>]*>)")
_VALUE: Final = re.compile(r"(=\s*)(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))")


def mask_markup(text: str, places: MaskPlaces, make_placeholder: Callable[[str], str], *, is_html: bool) -> str | None:
    """Mask what a page holds at the places; None if that cannot be done, so that nothing of it may be shown."""
    values = _find_values(text, places, is_html=is_html)
    if values is None:
        return None
    if not values:
        return text
    pattern = re.compile("|".join([_spell(value) for value in sorted(values, key=len, reverse=True)]))

    def replace_text(match: re.Match[str]) -> str:
        return make_placeholder(" ".join(html.unescape(match[0]).split()))

    def replace_value(match: re.Match[str]) -> str:
        value = html.unescape(next(group for group in match.groups()[1:] if group is not None))
        known = " ".join(value.split()) in values or " ".join(sorted(set(value.split()))) in values
        return f'{match[1]}"{make_placeholder(value)}"' if known else match[0]

    def replace(at: int, piece: str) -> str:
        return _VALUE.sub(replace_value, piece) if at % 2 else pattern.sub(replace_text, piece)

    masked = "".join([replace(at, piece) for at, piece in enumerate(_TAG.split(text))])
    return masked if _find_values(masked, places, is_html=is_html) == set() else None


def mask_lines(text: str, places: MaskPlaces, make_placeholder: Callable[[str], str]) -> str:
    """Mask the lines of the shapes that the places name."""
    lines = text.split("\n")
    return "\n".join(
        [
            make_placeholder(line) if line and _is_masked(TOP.line(read_shape(shape).name), places) else line
            for line, shape in zip(lines, hide_in_lines(lines), strict=True)
        ]
    )


def _find_values(text: str, places: MaskPlaces, *, is_html: bool) -> set[str] | None:
    leaves = list_text_places(text.encode("utf-8", "surrogateescape"), is_html=is_html)
    if leaves is None:
        return None
    return {
        " ".join(value.split())
        for place, value in leaves
        if value and MASKED.fullmatch(value) is None and _is_masked(place, places)
    }


def _is_masked(place: TextPlace, places: MaskPlaces) -> bool:
    """True if a path covers a place, or names a part of the text that stands there."""
    positions, covered = places.follow(place.tokens())
    is_code = not {f"<{name}" for name in CODE}.isdisjoint(place.tokens())
    return covered or leads_to(positions, PART) or leads_to(positions, LINE, anywhere=is_code)


def _spell(value: str) -> str:
    """Return a pattern of a value as a page may spell it."""
    words: list[str] = []
    for word in value.split():
        spellings = dict.fromkeys((word, html.escape(word), html.escape(word, quote=False)))
        words.append(f"(?:{'|'.join(map(re.escape, spellings))})")
    joined = r"\s+".join(words)
    return rf"(?<!\w){joined}(?!\w)" if value[:1].isalnum() and value[-1:].isalnum() else joined

"""Differences between two texts that no reader can see: name them, and write them so that they are seen."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

LONGEST_CHARS: Final = 20_000
"""Longer texts are not looked through: normalising takes time."""

_LINE_ENDS: Final = re.compile(r"\r\n?")
_TRAILING_BLANKS: Final = re.compile(r"[ \t]+(?=\r?\n|\Z)")


def name_unseen_difference(primary: str, shadow: str) -> str:
    """Return what two texts that look alike differ in: `Unicode form`, `invisible characters`, …; "" if they do not."""
    if primary == shadow or max(len(primary), len(shadow)) > LONGEST_CHARS:
        return ""
    return next((name for name, simplify in _SIMPLIFICATIONS if simplify(primary) == simplify(shadow)), "")


def escape_unseen(text: str) -> str:
    """Return a text with everything escaped that is not ASCII, and blanks at its end."""
    end = text.rstrip(" \t")
    return "".join(map(_escape, end)) + "".join([f"\\x{ord(blank):02x}" for blank in text[len(end) :]])


def _escape(char: str) -> str:
    if " " <= char <= "~":
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def _compose(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _drop_invisible(text: str) -> str:
    """Drop what takes no room: zero-width characters, joiners, marks of direction, byte order marks."""
    return text if text.isascii() else "".join([char for char in text if unicodedata.category(char) != "Cf"])


def _unite_spaces(text: str) -> str:
    return text if text.isascii() else "".join([" " if unicodedata.category(char) == "Zs" else char for char in text])


def _unite_line_ends(text: str) -> str:
    return _LINE_ENDS.sub("\n", text).rstrip("\n")


def _drop_trailing_blanks(text: str) -> str:
    return _TRAILING_BLANKS.sub("", text)


def _simplify_all(text: str) -> str:
    """Simplify in all these ways at once."""
    return _drop_trailing_blanks(_unite_line_ends(_unite_spaces(_drop_invisible(_compose(text)))))


_SIMPLIFICATIONS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("Unicode form", _compose),
    ("invisible characters", _drop_invisible),
    ("kinds of space", _unite_spaces),
    ("line ends", _unite_line_ends),
    ("blanks at the end", _drop_trailing_blanks),
    ("nothing visible", _simplify_all),
)

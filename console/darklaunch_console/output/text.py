"""Text that came from outside, made safe to print: it may steer no terminal and fake no line."""

from __future__ import annotations

import unicodedata
from typing import Final

_HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS: Final = {"\u200c", "\u200d"}  # needed inside words of several scripts, and harmless


def printable(text: str, *, keep: str = "") -> str:
    """Replace control, format (bidirectional overrides too) and unassigned characters by their escapes.

    `keep` names those that may stay, such as a newline.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, keep) for character in text)


def one_line(message: str) -> str:
    """Make a message one printable line that ends with a full stop."""
    line = printable(" ".join(message.split())).strip()
    return line if line.endswith((".", "?", "!", "…")) else f"{line}."


def plural(number: int, singular: str, more: str = "") -> str:
    """Say `1 worker`, `2 workers`, `1,234 workers`."""
    return f"{number:,} {singular if number == 1 else more or singular + 's'}"


def _shown(character: str, keep: str) -> str:
    if character in keep or character in _JOINERS:
        return character
    if unicodedata.category(character) not in _HIDDEN:
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

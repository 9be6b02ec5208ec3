"""Text that came from outside, made safe to print and to log: it may steer no terminal and fake no line."""

import logging
import unicodedata
from typing import Final

_HIDDEN: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS: Final = {"\u200c", "\u200d"}  # needed inside words of several scripts, and harmless


def escape_unprintable(text: str, *, keep: str = "") -> str:
    """Replace control, format (bidirectional overrides too) and unassigned characters by their escapes.

    `keep` names those that may stay, such as a newline.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join([_shown(character, keep) for character in text])


class SafeFormatter(logging.Formatter):
    """Formats log records so that what they quote can neither steer a terminal nor look like another line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Format all but the traceback, on one line."""
        return escape_unprintable(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """Format a traceback; its lines stay lines."""
        return escape_unprintable(super().formatException(ei), keep="\n")  # type: ignore[arg-type]


def configure_logging(level: int, layout: str, dates: str | None = None) -> None:
    """Send this process's log to stderr, formatted by a PrintableFormatter. Does nothing when logging is set up."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter(layout, dates))
    logging.basicConfig(level=level, handlers=[handler])


def _shown(character: str, keep: str) -> str:
    if character in keep or character in _JOINERS:
        return character
    if unicodedata.category(character) not in _HIDDEN:
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

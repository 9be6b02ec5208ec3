"""Text from outside made safe to print and log: it can neither control a terminal nor fake a log line."""

import logging
import unicodedata
from typing import Final

HIDDEN_CATEGORIES: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of characters that are not shown as themselves."""

_JOINERS: Final = {"\u200c", "\u200d"}  # needed inside words of several scripts, and harmless


def escape_unprintable(text: str, *, keep: str = "") -> str:
    """Return text with control, format (bidirectional overrides too) and unassigned characters escaped.

    `keep` lists characters that stay as they are, such as a newline.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join([_escape_character(character, keep) for character in text])


class SafeFormatter(logging.Formatter):
    """A log formatter whose output can neither control a terminal nor fake a log line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return everything but the traceback, on one line."""
        return escape_unprintable(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """Return a traceback; its line ends stay."""
        return escape_unprintable(super().formatException(ei), keep="\n")  # type: ignore[arg-type]


def configure_logging(level: int, layout: str, dates: str | None = None) -> None:
    """Log to stderr with a SafeFormatter. Does nothing if logging is already configured."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeFormatter(layout, dates))
    logging.basicConfig(level=level, handlers=[handler])


def _escape_character(character: str, keep: str) -> str:
    if character in keep or character in _JOINERS:
        return character
    if unicodedata.category(character) not in HIDDEN_CATEGORIES:
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

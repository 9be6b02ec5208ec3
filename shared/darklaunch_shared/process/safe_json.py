"""JSON and TOML as they are printed: what could steer a terminal is escaped, and reads back as it was."""

import unicodedata
from typing import Any, Final

import orjson

from .safe_logging import HIDDEN_CATEGORIES


def dump_safe_json(value: Any, *, indent: bool = False, default: Any = None) -> bytes:
    """Return a value as JSON in which no string holds a raw control, format or unassigned character."""
    option = orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    document = orjson.dumps(value, option=option, default=default).decode()
    return escape_document(document).encode()


def escape_document(document: str, *, toml: bool = False) -> str:
    """Return a JSON document with hidden characters escaped, which only strings can hold; or a TOML document."""
    if document.isascii() and "\x7f" not in document:
        return document
    return "".join([_escape(character, toml=toml) for character in document])


_PLAIN: Final = frozenset("\n\t\r")


def _escape(character: str, *, toml: bool) -> str:
    if character in _PLAIN or unicodedata.category(character) not in HIDDEN_CATEGORIES:
        return character
    number = ord(character)
    if number < 0x10000:
        return f"\\u{number:04x}"
    if toml:
        return f"\\U{number:08x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"

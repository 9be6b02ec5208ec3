"""Short renderings of values for people.

Safe to store and to print: no control characters, no lone surrogates, at most LENGTH characters and a little,
whatever the value is; time and space do not depend on the value's size.
"""

from decimal import Decimal
from hashlib import sha256
from itertools import islice
from typing import Final

from .model import Json, NotANumber
from .unseen import name_unseen_difference

RENDERED_CHARS: Final = 160
"""Longest rendering of a value, without the marks of what was left out."""

_ENTRIES: Final = 12
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def render_value(value: Json) -> str:
    """Render a JSON value, as JSON where it fits: `{"id": 7, "tags": ["a", …]}`."""
    if not isinstance(value, (dict, list)):
        return render_scalar(value)
    pieces: list[str] = []
    length = 0
    todo: list[tuple[str, Json]] = [("", value)]  # text to write, or else a value to render
    while todo and length < RENDERED_CHARS:
        text, part = todo.pop()
        if text:
            piece = text
        elif isinstance(part, dict):
            todo.append(("}", None))
            members = [(f"{quote(key)}: ", item) for key, item in islice(part.items(), _ENTRIES)]
            todo.extend(_list_entries(members, len(part)))
            piece = "{"
        elif isinstance(part, list):
            todo.append(("]", None))
            todo.extend(_list_entries([("", item) for item in islice(part, _ENTRIES)], len(part)))
            piece = "["
        else:
            piece = render_scalar(part)
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces) + ("…" if todo else "")


def _list_entries(entries: list[tuple[str, Json]], total: int) -> list[tuple[str, Json]]:
    """Return what to write for the entries of an object or array, in reverse: the caller takes them from the end."""
    parts: list[tuple[str, Json]] = []
    for position, (label, item) in enumerate(entries):
        if position:
            parts.append((", ", None))
        if label:
            parts.append((label, None))
        parts.append(("", item))
    if total > len(entries):
        parts.append((f", … {total - len(entries)} more", None))
    parts.reverse()
    return parts


def render_scalar(value: bool | int | float | Decimal | NotANumber | str | None) -> str:
    """Render a JSON scalar."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return cut(value.token if isinstance(value, NotANumber) else str(value))


def render_strings(primary: str, shadow: str) -> tuple[str, str]:
    """Render two strings that differ so that the first difference is in view, escaped where it could not be seen."""
    unseen = name_unseen_difference(primary, shadow)
    start = max(0, count_shared_chars(primary, shadow) - RENDERED_CHARS // 3)
    if max(len(primary), len(shadow)) <= RENDERED_CHARS or start == 0:
        head = ""
    else:
        head, primary, shadow = "…", primary[start:], shadow[start:]
    if unseen:
        return f"{head}{_quote_unseen(primary)}", f"{head}{_quote_unseen(shadow)} ({unseen})"
    return f"{head}{quote(primary)}", f"{head}{quote(shadow)}"


def _quote_unseen(text: str) -> str:
    """Render text in double quotes with everything escaped that is not plain ASCII; blanks stand before a quote."""
    shown = "".join(
        [_ESCAPES.get(char) or (char if " " <= char <= "~" else _escape(char)) for char in text[:RENDERED_CHARS]]
    )
    return f'"{cut(shown)}{"…" if len(text) > RENDERED_CHARS >= len(shown) else ""}"'


def quote(text: str) -> str:
    """Render text in double quotes, escaped as in JSON."""
    return f'"{make_printable(text, _ESCAPES)}"'


def make_printable(text: str, escapes: dict[str, str] | None = None) -> str:
    """Return the start of a text as it is, except for characters that do not print."""
    shown = text[:RENDERED_CHARS]
    if not shown.isprintable() or (escapes and ('"' in shown or "\\" in shown)):
        table = escapes or {}
        shown = "".join([table.get(char) or (char if char.isprintable() else _escape(char)) for char in shown])
    return shown if len(text) <= RENDERED_CHARS else f"{shown}…"


def cut(text: str) -> str:
    """Return the start of a printable text, RENDERED_CHARS at most."""
    return text if len(text) <= RENDERED_CHARS else f"{text[:RENDERED_CHARS]}…"


def render_bytes(content: bytes) -> str:
    """Render bytes that are not text: `1,024 bytes, sha256 9f86d081884c`."""
    return f"{len(content):,} byte{'' if len(content) == 1 else 's'}, sha256 {sha256(content).hexdigest()[:12]}"


def count_shared_chars(primary: str, shadow: str) -> int:
    """Count the characters that two strings share at their start, by bisection (slices compare at C speed)."""
    low, high = 0, min(len(primary), len(shadow))
    while low < high:
        middle = (low + high + 1) // 2
        if primary[low:middle] == shadow[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"

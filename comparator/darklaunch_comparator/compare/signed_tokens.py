"""Tokens of several parts: JWT, signed cookies and values (itsdangerous, Django, Rails, Express), encrypted ones.

Such a token is judged whole. Its last part is a signature, random to whoever lacks the key. Its payload, where it can
be read, must say the same on both sides, but for times that moved with the clock and ids made up anew: another user or
another role in it is a difference. What cannot be read must look random.
"""

import binascii
import re
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Final

import orjson

from .identifier_shape import SHORTEST_SECRET_CHARS, are_identifiers_alike, are_signatures_alike
from .model import Json

SIGNED_IN_TEXT: Final = (
    r"(?<![\w.:-])(?=[\w.:=-]{36})\.?[A-Za-z0-9_-]++={0,2}(?:[.:][A-Za-z0-9_-]*+={0,2}){0,3}[.:][A-Za-z0-9_-]{20,}+={0,2}"
    r"(?![\w.:-])"
    r"|(?<![\w+/=-])[A-Za-z0-9+/]{16,}+={0,2}(?:--[A-Za-z0-9+/]{16,}+={0,2}){1,2}(?![\w+/=-])"
)
"""Where a token may stand in text: two to five parts, of which the last has the length of a signature."""

_CHARS_CAP: Final = 8_192
_PAYLOAD_BYTES: Final = 65_536
_DIFFERENCES_CAP: Final = 20
_SIGNATURE_CHARS: Final = 20
_DOTTED: Final = re.compile(r"\.?[A-Za-z0-9_+/-]+={0,2}(?:[.:][A-Za-z0-9_+/-]*={0,2}){1,4}")
_DASHED: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}(?:--[A-Za-z0-9+/]+={0,2}){1,2}")
_SEPARATOR: Final = re.compile(r"([.:]|--)")
_BASE62: Final = {
    char: value for value, char in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}
_OLDEST_S: Final = 1_000_000_000
_LATEST_S: Final = 4_000_000_000

ExplainScalars = Callable[[Json, Json, str], bool]
"""True if two scalars that differ under one name, in a token's payload, may differ."""


def is_signed_token(text: str) -> bool:
    """True if a text is, from its first character to its last, a token of several parts."""
    return _split(text) is not None


def explain_tokens(primary: str, shadow: str, explain_scalars: ExplainScalars) -> bool:
    """True if two texts are tokens of one form that differ only in what is made up for each of them."""
    primary_parts, shadow_parts = _split(primary), _split(shadow)
    if primary_parts is None or shadow_parts is None or len(primary_parts) != len(shadow_parts):
        return False
    if primary_parts[1::2] != shadow_parts[1::2]:  # the separators
        return False
    primary_texts, shadow_texts = primary_parts[::2], shadow_parts[::2]
    if not are_signatures_alike(primary_texts[-1].rstrip("="), shadow_texts[-1].rstrip("=")):
        return False
    compressed = primary.startswith("."), shadow.startswith(".")
    return all(
        first == second or _explain_parts(first, second, compressed, explain_scalars)
        for first, second in zip(primary_texts[:-1], shadow_texts[:-1], strict=True)
    )


def _split(text: str) -> list[str] | None:
    """Split a token into its parts with the separators between them; None if it is no token."""
    if not _SIGNATURE_CHARS + 2 <= len(text) <= _CHARS_CAP:
        return None
    if _DASHED.fullmatch(text) is not None:
        parts = _SEPARATOR.split(text)
    elif _DOTTED.fullmatch(text) is not None:
        parts = re.split(r"([.:])", text.removeprefix("."))
    else:
        return None
    return parts if len(parts[-1].rstrip("=")) >= _SIGNATURE_CHARS else None


def _explain_parts(primary: str, shadow: str, compressed: tuple[bool, bool], explain_scalars: ExplainScalars) -> bool:
    primary_payload, shadow_payload = _read_payload(primary, compressed[0]), _read_payload(shadow, compressed[1])
    if primary_payload is not None and shadow_payload is not None:
        return _explain_payloads(primary_payload[0], shadow_payload[0], explain_scalars)
    if primary_payload is not None or shadow_payload is not None:
        return False
    if _read_time_s(primary) is not None and _read_time_s(shadow) is not None:
        return True  # when it was signed may differ, and the signature covers it
    return are_identifiers_alike(primary.rstrip("="), shadow.rstrip("="), SHORTEST_SECRET_CHARS)


def _explain_payloads(primary: Json, shadow: Json, explain_scalars: ExplainScalars) -> bool:
    todo: list[tuple[Json, Json, str]] = [(primary, shadow, "")]
    differences = 0
    while todo:
        first, second, name = todo.pop()
        if first == second and type(first) is type(second):
            continue
        differences += 1
        if differences > _DIFFERENCES_CAP:
            return False
        if isinstance(first, dict) and isinstance(second, dict):
            if first.keys() != second.keys():
                return False
            todo.extend([(value, second[key], key) for key, value in first.items()])
        elif isinstance(first, list) and isinstance(second, list):
            if len(first) != len(second):
                return False
            todo.extend([(one, other, name) for one, other in zip(first, second, strict=True)])
        elif not explain_scalars(first, second, name):
            return False
    return True


def _read_payload(part: str, compressed: bool) -> tuple[Json] | None:
    """Return what a part holds if that is JSON in base64, compressed or not; None if it is not."""
    content = _decode_base64(part)
    if content is None or len(content) < 2:
        return None
    try:
        if compressed and content[:1] == b"x":
            content = zlib.decompressobj().decompress(content, _PAYLOAD_BYTES)
        return (orjson.loads(content),)
    except (orjson.JSONDecodeError, zlib.error):
        return None


def _read_time_s(part: str) -> int | None:
    """Read when a token was signed: seconds, in base64 (itsdangerous), base 62 (Django) or as they are; None if not."""
    if not 6 <= len(part) <= 10:
        return None
    if part.isdigit() and len(part) == 10:
        return _check_time(int(part))
    content = _decode_base64(part)
    if content is not None and (at_s := _check_time(int.from_bytes(content))) is not None:
        return at_s
    value = 0
    for char in part:
        if char not in _BASE62:
            return None
        value = value * 62 + _BASE62[char]
    return _check_time(value)


def _check_time(at_s: int) -> int | None:
    return at_s if _OLDEST_S <= at_s <= _LATEST_S else None


def _decode_base64(part: str) -> bytes | None:
    text = part.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None

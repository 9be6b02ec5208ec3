"""Values that two correct answers never share: own origins, times that move with the clock, generated ids.

What is excused here is a value, never a change of presence, type or format.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from . import identifier_shape, timestamps
from .collector import Unverified
from .model import NUMBERS, ComparedResponse, ExcuseReason

Reasons = tuple[ExcuseReason, ...]
"""Why two values that differ are excused; empty when they are not."""

_SECRETS: Final = "signature|sig|x-amz-signature|x-amz-security-token|x-goog-signature|hmac|policy|token"
_STAMPS: Final = re.compile(
    # What cannot start anything is turned away first: that halves the time over prose.
    r"(?<![0-9A-Za-z])(?=[0-9A-Fa-fMTWS])(?:"
    rf"(?P<time>(?:{timestamps.ISO}|{timestamps.ISO_BASIC}|{timestamps.RFC1123})(?![0-9A-Za-z]))"
    rf"|(?P<id>{identifier_shape.UUID}(?![0-9A-Za-z]))"
    rf"|(?P<number>(?<![\w.+-])(?:{timestamps.EPOCH})(?![\w.+-])))"
    rf"|(?P<secret>[?&](?i:{_SECRETS})=[^&#\s\"'<>\\]{{16,}})"
)
_WORDS: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
_LONGEST_ID: Final = 4096

BUDGET_CHARS: Final = 5_000_000
"""How much text one comparison looks through for what is volatile: a second's worth, two where all of it is."""
_PRICE_CHARS: Final = 16  # what looking at one more text costs, however short it is
ORIGIN: Final = "\x02"
"""Stands for a side's own scheme://host:port. Not nothing: an absolute URL that became relative is a difference."""


@dataclass(slots=True)
class _Masked:
    """Text with its volatile parts replaced by their shape, and those parts, in order, per pass over the text."""

    text: str
    parts: list[str]


class VolatileValues:
    """What is known of two answers' origins and clocks."""

    __slots__ = ("_left_chars", "_primary", "_shadow")

    def __init__(self, primary: ComparedResponse, shadow: ComparedResponse) -> None:
        self._primary = primary
        self._shadow = shadow
        self._left_chars = BUDGET_CHARS

    def excuse(self, primary: str, shadow: str) -> Reasons:
        """Say why two strings that differ may differ; empty when they may not.

        Raises Unverified when this comparison has looked through more than BUDGET_CHARS.
        """
        if len(primary) < 10 or len(shadow) < 10:
            return ()
        self._spend(len(primary) + len(shadow))
        stamp, twin = timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow)
        if stamp is not None and twin is not None:
            return (ExcuseReason.CLOCK,) if self._moved(stamp, twin) else ()
        theirs, ours = replace_origin(primary, self._primary.origin), replace_origin(shadow, self._shadow.origin)
        if theirs == ours:
            return (ExcuseReason.OWN_ORIGIN,)
        reasons = self._excuse_parts(theirs, ours)
        own = theirs != primary and ours != shadow
        return (ExcuseReason.OWN_ORIGIN, *reasons) if own and reasons else reasons

    def excuse_number(self, primary: int | float | Decimal, shadow: int | float | Decimal) -> Reasons:
        """Say why two numbers that differ may differ: both are times since the epoch."""
        theirs, ours = timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow)
        return (ExcuseReason.CLOCK,) if theirs and ours and self._moved(theirs, ours) else ()

    def primary_skeleton(self, text: str) -> str:
        """Replace the primary's volatile parts by their shapes: what is left must agree with the shadow's."""
        self._spend(len(text))
        return _masked(replace_origin(text, self._primary.origin)).text

    def shadow_skeleton(self, text: str) -> str:
        """Replace the shadow's volatile parts by their shapes: what is left must agree with the primary's."""
        self._spend(len(text))
        return _masked(replace_origin(text, self._shadow.origin)).text

    def _excuse_parts(self, theirs: str, ours: str) -> Reasons:
        if len(theirs) == len(ours) and len(theirs) <= _LONGEST_ID:
            shape = identifier_shape.find_identifier_shape(theirs)
            if shape is not None and shape == identifier_shape.find_identifier_shape(ours):
                return (ExcuseReason.GENERATED_ID,)
        left, right = _masked(theirs), _masked(ours)
        if left.text != right.text:
            return ()
        reasons: set[ExcuseReason] = set()
        for one, other in zip(left.parts, right.parts, strict=True):
            if one == other:
                continue
            stamp, twin = timestamps.parse_timestamp(one), timestamps.parse_timestamp(other)
            if stamp is None or twin is None:
                reasons.add(ExcuseReason.GENERATED_ID)
            elif self._moved(stamp, twin):
                reasons.add(ExcuseReason.CLOCK)
            else:
                return ()
        return tuple(sorted(reasons))

    def _spend(self, chars: int) -> None:
        self._left_chars -= chars + _PRICE_CHARS
        if self._left_chars < 0:
            raise Unverified("the bodies differ in too much text to tell what only moved with clock, origin or ids")

    def _moved(self, theirs: timestamps.Timestamp, ours: timestamps.Timestamp) -> bool:
        return timestamps.moved_with_clock(theirs, ours, self._primary.responded_at_ms, self._shadow.responded_at_ms)


def holds_identifier(text: str) -> bool:
    """Say whether a string is, or holds, what may be excused as a made-up identifier or a signed URL's secret."""
    if not identifier_shape.SHORTEST <= len(text) <= _LONGEST_ID:
        return False
    return identifier_shape.find_identifier_shape(text) is not None or any(
        timestamps.parse_timestamp(part) is None for part in _masked(text).parts
    )


def changed_format(primary: object, shadow: object) -> bool:
    """Say whether two values are timestamps in two formats: another type to whoever parses them."""
    if isinstance(primary, str) and isinstance(shadow, str):
        return timestamps.changed_format(timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow))
    if isinstance(primary, NUMBERS) and isinstance(shadow, NUMBERS):
        return timestamps.changed_format(timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow))
    return False


def replace_origin(text: str, origin: str) -> str:
    """Replace an origin by ORIGIN, plain and percent-encoded, where a URL of that origin stands in text."""
    if not origin or len(origin) > 300:
        return text
    encoded, pattern = _own(origin)
    return pattern.sub(ORIGIN, text) if origin in text or encoded in text else text


@lru_cache(maxsize=256)
def _own(origin: str) -> tuple[str, re.Pattern[str]]:
    encoded = quote(origin, safe="", encoding="latin-1", errors="replace")
    # http://shop must not be found in http://shop.example, http://shopping or http://shop:81
    return encoded, re.compile(f"(?:{re.escape(origin)}|{re.escape(encoded)})(?![A-Za-z0-9_-]|[.:@][A-Za-z0-9])")


def _masked(text: str) -> _Masked:
    """Mask times and UUIDs first, then the words between them, so that a word never swallows half a timestamp."""
    parts: list[str] = []
    words: list[str] = []

    def stamp(found: re.Match[str]) -> str:
        kind = found.lastgroup
        parts.append(found[0])
        if kind == "secret":
            return f"{found[0].partition('=')[0]}=\x01"
        if kind == "id":
            return f"\x01{identifier_shape.find_identifier_shape(found[0])}\x01"
        read = timestamps.parse_timestamp(found[0])
        return f"\x01{read.format}\x01" if read else f"\x01{found[0]}\x01"

    def word(found: re.Match[str]) -> str:
        shape = identifier_shape.find_identifier_shape(found[0]) if len(found[0]) <= _LONGEST_ID else None
        if shape is None:
            return found[0]
        words.append(found[0])
        return f"\x01{shape}\x01"

    text = _WORDS.sub(word, _STAMPS.sub(stamp, text))
    return _Masked(text, parts + words)

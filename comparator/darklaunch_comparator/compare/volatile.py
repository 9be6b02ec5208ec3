"""Excuses by form: values that two correct responses never share, and that their form gives away.

Own origins, times that moved with the clock, made-up identifiers. Only a value is excused, never a change of presence,
type or format. Whether an excuse holds at a place is for the collector to say (`DifferenceCollector.grant_excuse`).
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from . import identifier_shape, timestamps
from .collector import Unverified
from .model import NUMBERS, ComparedResponse, ExcuseReason, Reasons
from .origin import replace_origin

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
_IDENTIFIER_CHARS: Final = 4096
"""Longest text that may be an identifier."""

BUDGET_CHARS: Final = 5_000_000
"""How much text one comparison looks through for what is volatile: a second's worth, two where all of it is."""
_CHARS_PER_CALL: Final = 16  # what looking at one more text costs, however short it is


@dataclass(slots=True)
class _Skeleton:
    """Text with its volatile parts replaced by their shape, and those parts, in order, per pass over the text."""

    text: str
    parts: list[str]


class VolatileValues:
    """What is known of two responses' origins and clocks, to tell why their values differ."""

    __slots__ = ("_chars_left", "_primary", "_shadow")

    def __init__(self, primary: ComparedResponse, shadow: ComparedResponse) -> None:
        self._primary = primary
        self._shadow = shadow
        self._chars_left = BUDGET_CHARS

    def explain_texts(self, primary: str, shadow: str) -> Reasons:
        """Return why two strings that differ may differ; empty if they may not.

        Raises Unverified once this comparison has looked through more than BUDGET_CHARS.
        """
        if len(primary) < 10 or len(shadow) < 10:
            return ()
        self._spend(len(primary) + len(shadow))
        primary_time, shadow_time = timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow)
        if primary_time is not None and shadow_time is not None:
            return (ExcuseReason.CLOCK,) if self._moved_with_clock(primary_time, shadow_time) else ()
        primary_text = replace_origin(primary, self._primary.origin)
        shadow_text = replace_origin(shadow, self._shadow.origin)
        if primary_text == shadow_text:
            return (ExcuseReason.OWN_ORIGIN,)
        reasons = self._explain_parts(primary_text, shadow_text)
        both_hold_origin = primary_text != primary and shadow_text != shadow
        return (ExcuseReason.OWN_ORIGIN, *reasons) if both_hold_origin and reasons else reasons

    def explain_numbers(self, primary: int | float | Decimal, shadow: int | float | Decimal) -> Reasons:
        """Return why two numbers that differ may differ: both are times since the epoch."""
        primary_time, shadow_time = timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow)
        if primary_time and shadow_time and self._moved_with_clock(primary_time, shadow_time):
            return (ExcuseReason.CLOCK,)
        return ()

    def primary_skeleton(self, text: str) -> str:
        """Replace the primary's volatile parts by their shapes: what is left must agree with the shadow's."""
        self._spend(len(text))
        return _find_skeleton(replace_origin(text, self._primary.origin)).text

    def shadow_skeleton(self, text: str) -> str:
        """Replace the shadow's volatile parts by their shapes: what is left must agree with the primary's."""
        self._spend(len(text))
        return _find_skeleton(replace_origin(text, self._shadow.origin)).text

    def _explain_parts(self, primary: str, shadow: str) -> Reasons:
        if len(primary) == len(shadow) and len(primary) <= _IDENTIFIER_CHARS:
            shape = identifier_shape.find_identifier_shape(primary)
            if shape is not None and shape == identifier_shape.find_identifier_shape(shadow):
                return (ExcuseReason.GENERATED_ID,)
        primary_skeleton, shadow_skeleton = _find_skeleton(primary), _find_skeleton(shadow)
        if primary_skeleton.text != shadow_skeleton.text:
            return ()
        reasons: set[ExcuseReason] = set()
        for primary_part, shadow_part in zip(primary_skeleton.parts, shadow_skeleton.parts, strict=True):
            if primary_part == shadow_part:
                continue
            primary_time = timestamps.parse_timestamp(primary_part)
            shadow_time = timestamps.parse_timestamp(shadow_part)
            if primary_time is None or shadow_time is None:
                reasons.add(ExcuseReason.GENERATED_ID)
            elif self._moved_with_clock(primary_time, shadow_time):
                reasons.add(ExcuseReason.CLOCK)
            else:
                return ()
        return tuple(sorted(reasons))

    def _spend(self, chars: int) -> None:
        self._chars_left -= chars + _CHARS_PER_CALL
        if self._chars_left < 0:
            raise Unverified("the bodies differ in too much text to tell what only moved with clock, origin or ids")

    def _moved_with_clock(self, primary: timestamps.Timestamp, shadow: timestamps.Timestamp) -> bool:
        return timestamps.moved_with_clock(primary, shadow, self._primary.responded_at_ms, self._shadow.responded_at_ms)


def holds_identifier(text: str) -> bool:
    """True if a string is, or holds, what may be excused as a made-up identifier or a signed URL's secret."""
    if not identifier_shape.SHORTEST_CHARS <= len(text) <= _IDENTIFIER_CHARS:
        return False
    return identifier_shape.find_identifier_shape(text) is not None or any(
        timestamps.parse_timestamp(part) is None for part in _find_skeleton(text).parts
    )


def changed_format(primary: object, shadow: object) -> bool:
    """True if two values are timestamps in two formats: another type to whoever parses them."""
    if isinstance(primary, str) and isinstance(shadow, str):
        return timestamps.changed_format(timestamps.parse_timestamp(primary), timestamps.parse_timestamp(shadow))
    if isinstance(primary, NUMBERS) and isinstance(shadow, NUMBERS):
        return timestamps.changed_format(timestamps.parse_epoch(primary), timestamps.parse_epoch(shadow))
    return False


def _find_skeleton(text: str) -> _Skeleton:
    # Times and UUIDs first, then the words between them, so that a word never swallows half a timestamp.
    parts: list[str] = []
    words: list[str] = []

    def replace_stamp(match: re.Match[str]) -> str:
        group = match.lastgroup
        parts.append(match[0])
        if group == "secret":
            return f"{match[0].partition('=')[0]}=\x01"
        if group == "id":
            return f"\x01{identifier_shape.find_identifier_shape(match[0])}\x01"
        timestamp = timestamps.parse_timestamp(match[0])
        return f"\x01{timestamp.format}\x01" if timestamp else f"\x01{match[0]}\x01"

    def replace_word(match: re.Match[str]) -> str:
        word = match[0]
        shape = identifier_shape.find_identifier_shape(word) if len(word) <= _IDENTIFIER_CHARS else None
        if shape is None:
            return word
        words.append(word)
        return f"\x01{shape}\x01"

    text = _WORDS.sub(replace_word, _STAMPS.sub(replace_stamp, text))
    return _Skeleton(text, parts + words)

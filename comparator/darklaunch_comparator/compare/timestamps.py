"""Timestamps in the common forms, and whether two of them moved with the clock.

ISO 8601 (RFC 3339 and its usual variants), RFC 1123 dates (RFC 9110 5.6.7), and seconds, milliseconds, microseconds
or nanoseconds since the epoch.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Final

DELTA_MS: Final = 5_000
"""How far the distance between two timestamps may lie from the time between the two responses."""
NEAR_MS: Final = 300_000
"""How far a timestamp may lie from its own response to count as that response's "now"."""
EXPIRY_REACH_MS: Final = 400 * 86_400_000
"""How far an expiry, the start of a period or a local time may lie from its own response."""
EXPIRY_STEP_MS: Final = 300_000
"""An expiry lies a whole number of these from its own response: ten minutes, an hour, thirty days, a time zone."""

ISO: Final = r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?"
ISO_BASIC: Final = r"\d{8}T\d{6}(?:\.\d{1,9})?Z?"
RFC1123: Final = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})"
EPOCH: Final = r"\d{10}(?:\.\d{1,9})?|\d{13}(?:\.\d{1,9})?|\d{16}|\d{19}"

_EXTENDED: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:([Tt ])(\d\d):(\d\d)(?::(\d\d)(?:([.,])(\d{1,9}))?)?([Zz]|[+-]\d\d:?\d\d)?)?"
)
_BASIC: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(T)(\d\d)(\d\d)(\d\d)(?:(\.)(\d{1,9}))?(Z)?")
_RFC1123: Final = re.compile(RFC1123)
_EPOCH: Final = re.compile(EPOCH)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
LEAST_EPOCH: Final = 1_000_000_000
"""The least number that may be a time since the epoch: seconds, in 2001."""
_UNITS_MS: Final = (3_600_000, 60_000, 1_000)
_UNITS: Final = ((LEAST_EPOCH, "s", 1000.0), (10**12, "ms", 1.0), (10**15, "us", 1e-3), (10**18, "ns", 1e-6))


@dataclass(slots=True)
class Timestamp:
    """A timestamp: its format, its time in milliseconds since the epoch, and whether it names only a day.

    A timestamp without a zone is read as UTC.
    """

    format: str
    at_ms: float
    day: bool = False

    @property
    def is_number(self) -> bool:
        """True if it is a bare number since the epoch, as number or as text."""
        return self.format.startswith(("epoch", "text"))

    @property
    def unit_ms(self) -> int:
        """The coarsest unit that its value is a whole number of, in milliseconds: how often it changes at least."""
        if self.day:
            return 86_400_000
        at_ms = int(self.at_ms)
        if at_ms != self.at_ms:
            return 1
        return next((unit for unit in _UNITS_MS if at_ms % unit == 0), 1)


def parse_timestamp(text: str) -> Timestamp | None:
    """Parse text that is one timestamp from its first character to its last; None if it is not."""
    if not 10 <= len(text) <= 40:
        return None
    if text[4] == "-":
        return _parse_iso("extended", _EXTENDED.fullmatch(text))
    if text[3] == ",":
        return _parse_rfc1123(text) if _RFC1123.fullmatch(text) else None
    if _EPOCH.fullmatch(text):
        timestamp = parse_epoch(Decimal(text))
        return timestamp and Timestamp(f"text {timestamp.format}", timestamp.at_ms)
    return _parse_iso("basic", _BASIC.fullmatch(text)) if text[8] == "T" else None


def parse_epoch(number: int | float | Decimal) -> Timestamp | None:
    """Parse a number as time since the epoch, by its magnitude; None if it has not the magnitude of one."""
    if number < _UNITS[0][0]:
        return None
    for least, unit, factor in _UNITS:
        if least <= number < least * 10:
            is_whole = isinstance(number, int) or (isinstance(number, Decimal) and number.as_tuple().exponent == 0)
            return Timestamp(f"epoch {unit}" if is_whole else f"epoch {unit} with fraction", float(number) * factor)
    return None


def moved_with_clock(primary: Timestamp, shadow: Timestamp, primary_at_ms: int, shadow_at_ms: int) -> bool:
    """True if two timestamps differ as those of two responses at these two times may.

    Each must be within reach of its own response: within NEAR_MS of it, or, as an expiry is, a whole number of
    EXPIRY_STEP_MS from it, the same number on both sides. A stored date that differs, by a second or by a year, is not.
    A number must have moved as the clock did as well.
    """
    if primary.format != shadow.format:
        return False
    if primary.day:
        return primary.at_ms // 86_400_000 == primary_at_ms // 86_400_000 and (
            shadow.at_ms // 86_400_000 == shadow_at_ms // 86_400_000
        )
    primary_ahead_ms, shadow_ahead_ms = primary.at_ms - primary_at_ms, shadow.at_ms - shadow_at_ms
    if primary.is_number and abs(shadow_ahead_ms - primary_ahead_ms) > DELTA_MS:
        return False
    if abs(primary_ahead_ms) <= NEAR_MS and abs(shadow_ahead_ms) <= NEAR_MS:
        return True
    ahead_ms = round(primary_ahead_ms / EXPIRY_STEP_MS) * EXPIRY_STEP_MS
    return (
        abs(ahead_ms) <= EXPIRY_REACH_MS
        and abs(primary_ahead_ms - ahead_ms) <= DELTA_MS
        and abs(shadow_ahead_ms - ahead_ms) <= DELTA_MS
    )


def is_within_reach(timestamp: Timestamp, at_ms: int) -> bool:
    """True if a timestamp may move with the clock, as far as its response's time shows."""
    ahead_ms = timestamp.at_ms - at_ms
    if timestamp.day:
        return timestamp.at_ms // 86_400_000 == at_ms // 86_400_000
    return abs(ahead_ms) <= NEAR_MS or (
        abs(ahead_ms) <= EXPIRY_REACH_MS
        and abs(ahead_ms - round(ahead_ms / EXPIRY_STEP_MS) * EXPIRY_STEP_MS) <= DELTA_MS
    )


def changed_format(primary: Timestamp | None, shadow: Timestamp | None) -> bool:
    """True if these are two timestamps written in two formats (`Z` and `+00:00`, seconds and milliseconds).

    For two bare numbers that takes that both name about the same time.
    """
    if primary is None or shadow is None or primary.format == shadow.format:
        return False
    if primary.format.startswith("epoch"):
        return abs(primary.at_ms - shadow.at_ms) <= 86_400_000
    return True


def _parse_iso(form: str, match: re.Match[str] | None) -> Timestamp | None:
    if match is None:
        return None
    year, month, day, separator, hour, minute, second, point, fraction, zone = match.groups()
    try:
        at_ms = (date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY) * 86_400_000.0
    except ValueError:
        return None
    if separator is None:
        return Timestamp("date", at_ms, day=True)
    at_ms += (int(hour) * 60 + int(minute)) * 60_000
    if second:
        at_ms += int(second) * 1000
    if fraction:
        at_ms += float(f"0.{fraction}") * 1000
    if zone and zone not in "Zz":
        ahead_ms = (int(zone[1:3]) * 60 + int(zone[-2:])) * 60_000
        at_ms += ahead_ms if zone[0] == "-" else -ahead_ms
        zone = "offset with colon" if ":" in zone else "offset"
    # The number of digits in a fraction is not part of the format: several writers leave out its trailing zeros.
    written = f"{form} {separator} {'seconds' if second else 'minutes'} {point or ''} {zone or ''}"
    return Timestamp(written, at_ms)


def _parse_rfc1123(text: str) -> Timestamp | None:
    try:
        at = parsedate_to_datetime(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)  # "-0000" leaves the zone open (RFC 5322 3.3)
        return Timestamp("rfc1123", at.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None

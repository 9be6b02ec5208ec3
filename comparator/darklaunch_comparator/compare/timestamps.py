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
EPOCH_REACH_MS: Final = 400 * 86_400_000
"""A bare number counts as a moving timestamp only this near to its response: prices and counters have digits too."""

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
_UNITS: Final = ((LEAST_EPOCH, "s", 1000.0), (10**12, "ms", 1.0), (10**15, "us", 1e-3), (10**18, "ns", 1e-6))


@dataclass(slots=True)
class Timestamp:
    """A timestamp: its format, its time in milliseconds since the epoch, whether it names its zone or only a day.

    A timestamp without a zone is read as UTC.
    """

    format: str
    at_ms: float
    zoned: bool = True
    day: bool = False


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

    They do if their distance is the time between the responses, within DELTA_MS (an expiry an hour ahead), or if each
    is within NEAR_MS of its own response. A stored date that differs does neither.
    """
    if primary.format != shadow.format:
        return False
    if primary.day:
        return primary.at_ms // 86_400_000 == primary_at_ms // 86_400_000 and (
            shadow.at_ms // 86_400_000 == shadow_at_ms // 86_400_000
        )
    if primary.format.startswith(("epoch", "text")) and abs(primary.at_ms - primary_at_ms) > EPOCH_REACH_MS:
        return False
    if abs((shadow.at_ms - primary.at_ms) - (shadow_at_ms - primary_at_ms)) <= DELTA_MS:
        return True
    zoned = primary.zoned and shadow.zoned
    return zoned and abs(primary.at_ms - primary_at_ms) <= NEAR_MS and abs(shadow.at_ms - shadow_at_ms) <= NEAR_MS


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
    zoned = zone is not None
    if zone and zone not in "Zz":
        ahead_ms = (int(zone[1:3]) * 60 + int(zone[-2:])) * 60_000
        at_ms += ahead_ms if zone[0] == "-" else -ahead_ms
        zone = "offset with colon" if ":" in zone else "offset"
    # The number of digits in a fraction is not part of the format: several writers leave out its trailing zeros.
    written = f"{form} {separator} {'seconds' if second else 'minutes'} {point or ''} {zone or ''}"
    return Timestamp(written, at_ms, zoned=zoned)


def _parse_rfc1123(text: str) -> Timestamp | None:
    try:
        at = parsedate_to_datetime(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)  # "-0000" leaves the zone open (RFC 5322 3.3)
        return Timestamp("rfc1123", at.timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None

"""Figures as people read them: thousands with commas, a real minus, a space before the unit."""

from __future__ import annotations

import math


def format_count(number: float) -> str:
    """Return a count: 18,402. Negative: −4."""
    return _use_minus_sign(f"{number:,.0f}")


def format_signed(number: float, digits: int = 0) -> str:
    """Return a difference with its sign: +1, −4, 0."""
    rounded = round(number, digits)
    if rounded == 0:
        return "0"
    return _use_minus_sign(f"{rounded:+,.{digits}f}")


def format_decimal(number: float, digits: int = 1) -> str:
    """Return a figure with at most `digits` decimals, none when it is whole: 0.4, 207, −1.5."""
    text = f"{number:,.{digits}f}"
    return _use_minus_sign(text.rstrip("0").rstrip(".") if "." in text else text)


def format_percent(number: float, digits: int = 2) -> str:
    """Return a percentage with its unit: 10 → 10 %, 2.24 → 2.24 %."""
    return f"{format_decimal(number, digits)} %"


def format_share(fraction: float, digits: int = 2) -> str:
    """Return a fraction as a percentage: 0.0224 → 2.24 %."""
    return format_percent(100 * fraction, digits)


def format_ms(number: float) -> str:
    """Return a latency or another short time in milliseconds with its unit: 41 ms, 0.3 ms, 1.5 s."""
    if abs(number) < 10:
        return f"{format_decimal(number)} ms"
    return f"{format_count(number)} ms" if abs(number) < 1000 else format_seconds(number / 1000)


def format_seconds(number: float) -> str:
    """Return a time span in seconds in at most two units: 0.4 s, 12 s, 2 min 18 s, 2 h 11 min, 3 d 4 h."""
    if not math.isfinite(number):
        return "for ever"
    if abs(number) < 9.95:
        return f"{format_decimal(number)} s"
    whole = round(abs(number))
    sign = "−" if number < 0 else ""
    for size, unit, small_size, small_unit in _SPANS:
        if whole >= size:
            big, rest = divmod(whole, size)
            small = rest // small_size
            return f"{sign}{big:,} {unit} {small} {small_unit}" if small else f"{sign}{big:,} {unit}"
    return f"{sign}{whole} s"


_SPANS = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def format_bytes(number: int) -> str:
    """Return a number of bytes with its unit: 212 MB, 3.4 GB, 17 bytes. Units of 1,000."""
    if number < 1000:
        return f"{number} bytes" if number != 1 else "1 byte"
    value = float(number)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{format_decimal(value, 1 if value < 10 else 0)} {unit}"
    raise AssertionError


def _use_minus_sign(text: str) -> str:
    return text.replace("-", "−")

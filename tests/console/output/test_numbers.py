"""Figures, spans of time and sizes as people write them."""

import pytest
from darklaunch_console.output.numbers import (
    format_bytes,
    format_count,
    format_decimal,
    format_ms,
    format_percent,
    format_seconds,
    format_share,
    format_signed,
)
from darklaunch_console.output.text import format_plural


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (format_count(18402), "18,402"),
        (format_count(-4), "−4"),
        (format_signed(1), "+1"),
        (format_signed(-4.2, 1), "−4.2"),
        (format_signed(-0.04, 1), "0"),
        (format_decimal(207.0), "207"),
        (format_decimal(100), "100"),
        (format_decimal(0.44), "0.4"),
        (format_percent(10.0), "10 %"),
        (format_share(0.0224), "2.24 %"),
        (format_ms(0.31), "0.3 ms"),
        (format_ms(41.4), "41 ms"),
        (format_ms(3021), "3 s"),
        (format_seconds(0.44), "0.4 s"),
        (format_seconds(9.97), "10 s"),
        (format_seconds(59.6), "1 min"),
        (format_seconds(138), "2 min 18 s"),
        (format_seconds(7860), "2 h 11 min"),
        (format_seconds(187_200), "2 d 4 h"),
        (format_bytes(17), "17 bytes"),
        (format_bytes(1), "1 byte"),
        (format_bytes(3_400_000_000), "3.4 GB"),
        (format_bytes(212_000_000), "212 MB"),
        (format_bytes(999_999), "1 MB"),
        (format_plural(1, "worker"), "1 worker"),
        (format_plural(1234, "worker"), "1,234 workers"),
    ],
)
def test_figures_read_as_people_write_them(written, expected):
    assert written == expected

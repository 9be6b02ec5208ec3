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
from darklaunch_console.output.screen import make_printable, wrap_text
from darklaunch_console.output.table import measure_width, render_table
from darklaunch_console.output.text import escape_unprintable, format_plural, join_lines


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größer 数", "größer 数"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("a\nb\rc\x85", "a\\x0ab\\x0dc\\x85"),
        ("abc\u202egpj", "abc\\u202egpj"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("line\u2028sep", "line\\u2028sep"),
    ],
)
def test_text_from_outside_can_steer_no_terminal(text, shown):
    assert escape_unprintable(text) == shown
    assert make_printable(text) == shown


def test_bytes_that_are_no_text_are_escaped():
    assert make_printable(b"\xff\x00ok") == "\\xff\\x00ok"


def test_long_text_is_cut():
    assert make_printable("x" * 300, 10) == "xxxxxxxxx…"


def test_an_error_is_one_line_with_a_full_stop():
    assert join_lines("it broke:\n\tbadly") == "it broke: badly."
    assert join_lines("really?") == "really?"


def test_figures_stand_to_the_right_and_words_to_the_left():
    lines = render_table(("launch", "waiting"), [("a", "1"), ("checkout", "12,345")])
    assert lines == ["launch     waiting", "a                1", "checkout    12,345"]


def test_wide_characters_take_two_columns():
    assert measure_width("数") == 2
    assert render_table(("n", "x"), [("数", "1"), ("ab", "2")])[1:] == ["数   1", "ab   2"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two", ["  one two"]),
        ("a  b", ["  a  b"]),
        ("word " * 9 + "end", ["  " + "word " * 6 + "word", "    word word end"]),
        ("x" * 80, ["  " + "x" * 38, "    " + "x" * 36, "    " + "x" * 6]),
        ("数" * 30, ["  " + "数" * 19, "    " + "数" * 11]),
        ("", ["  "]),
    ],
)
def test_lines_are_folded_to_the_width_of_the_terminal(monkeypatch, text, lines):
    monkeypatch.setenv("COLUMNS", "40")
    assert wrap_text(text, "  ", "  ") == lines
    assert all(measure_width(line) <= 40 for line in lines)

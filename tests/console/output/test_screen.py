"""Text on a terminal: printable, folded and cut."""

import pytest
from darklaunch_console.output.screen import make_printable, wrap_text
from darklaunch_console.output.table import measure_width
from darklaunch_console.output.text import escape_unprintable


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

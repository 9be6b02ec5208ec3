import pytest
from darklaunch_console.output.numbers import count, decimal, milliseconds, percent, seconds, share, signed, size
from darklaunch_console.output.screen import folded, from_outside
from darklaunch_console.output.table import table, width
from darklaunch_console.output.text import one_line, plural, printable


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (count(18402), "18,402"),
        (count(-4), "−4"),
        (signed(1), "+1"),
        (signed(-4.2, 1), "−4.2"),
        (signed(-0.04, 1), "0"),
        (decimal(207.0), "207"),
        (decimal(100), "100"),
        (decimal(0.44), "0.4"),
        (percent(10.0), "10 %"),
        (share(0.0224), "2.24 %"),
        (milliseconds(0.31), "0.3 ms"),
        (milliseconds(41.4), "41 ms"),
        (milliseconds(3021), "3 s"),
        (seconds(0.44), "0.4 s"),
        (seconds(9.97), "10 s"),
        (seconds(59.6), "1 min"),
        (seconds(138), "2 min 18 s"),
        (seconds(7860), "2 h 11 min"),
        (seconds(187_200), "2 d 4 h"),
        (size(17), "17 bytes"),
        (size(1), "1 byte"),
        (size(3_400_000_000), "3.4 GB"),
        (size(212_000_000), "212 MB"),
        (size(999_999), "1 MB"),
        (plural(1, "worker"), "1 worker"),
        (plural(1234, "worker"), "1,234 workers"),
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
    assert printable(text) == shown
    assert from_outside(text) == shown


def test_bytes_that_are_no_text_are_escaped():
    assert from_outside(b"\xff\x00ok") == "\\xff\\x00ok"


def test_long_text_is_cut():
    assert from_outside("x" * 300, 10) == "xxxxxxxxx…"


def test_an_error_is_one_line_with_a_full_stop():
    assert one_line("it broke:\n\tbadly") == "it broke: badly."
    assert one_line("really?") == "really?"


def test_figures_stand_to_the_right_and_words_to_the_left():
    lines = table(("launch", "waiting"), [("a", "1"), ("checkout", "12,345")])
    assert lines == ["launch     waiting", "a                1", "checkout    12,345"]


def test_wide_characters_take_two_columns():
    assert width("数") == 2
    assert table(("n", "x"), [("数", "1"), ("ab", "2")])[1:] == ["数   1", "ab   2"]


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
    assert folded(text, "  ", "  ") == lines
    assert all(width(line) <= 40 for line in lines)

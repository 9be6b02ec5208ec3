"""Tables: columns of words and figures, wide characters included."""

from darklaunch_console.output.table import measure_width, render_table


def test_figures_stand_to_the_right_and_words_to_the_left():
    lines = render_table(("launch", "waiting"), [("a", "1"), ("checkout", "12,345")])
    assert lines == ["launch     waiting", "a                1", "checkout    12,345"]


def test_wide_characters_take_two_columns():
    assert measure_width("数") == 2
    assert render_table(("n", "x"), [("数", "1"), ("ab", "2")])[1:] == ["数   1", "ab   2"]

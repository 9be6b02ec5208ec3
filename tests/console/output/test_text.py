"""Text of messages: one line each."""

from darklaunch_console.output.text import join_lines


def test_an_error_is_one_line_with_a_full_stop():
    assert join_lines("it broke:\n\tbadly") == "it broke: badly."
    assert join_lines("really?") == "really?"

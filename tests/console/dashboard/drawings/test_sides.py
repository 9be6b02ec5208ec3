"""The lines of two responses: signs, marks, line numbers, folds, and bounds."""

from darklaunch_console.dashboard.drawings.sides import CHARS, LINES, draw_lines
from darklaunch_console.reports.columns import mark_excused
from darklaunch_console.reports.side_by_side import align_documents, align_lines, parse_document


def draw(left: str, right: str, places: list[str], reasons: dict[str, str] | None = None) -> list[tuple[str, str]]:
    rows = mark_excused(align_documents(parse_document(left), parse_document(right)), places)
    lines, _ = draw_lines(rows, reasons or {})
    return [(line.sign, line.why) for line in lines]


def test_each_kind_of_difference_has_its_sign() -> None:
    left = '{"same": 1, "gone": 2, "other": 3}'
    right = '{"same": 1, "other": 4, "new": 5}'
    assert [sign for sign, _ in draw(left, right, ["$.gone", "$.other", "$.new"])] == ["", "", "−", "~", "+", ""]


def test_an_excused_difference_says_why_at_an_element_of_an_array() -> None:
    left, right = '{"items": [{"id": 1, "at": "a"}]}', '{"items": [{"id": 1, "at": "b"}]}'
    assert ("≈", "new each time") in draw(left, right, ["$.total"], {"$.items[*].at": "new each time"})


def test_the_words_that_differ_are_marked_within_their_line() -> None:
    rows = align_documents(parse_document('{"total": 12990}'), parse_document('{"total": 12890}'))
    line = draw_lines(rows, {})[0][1]
    assert line.left is not None
    assert line.right is not None
    assert (line.left.before, line.left.marked, line.left.after) == ('  "total": ', "12990", "")
    assert (line.right.marked, line.right.number) == ("12890", 2)


def test_equal_lines_far_from_a_difference_are_folded_and_can_be_shown() -> None:
    left = [f"line {number}" for number in range(100)]
    rows = align_lines(left, [*left[:50], "changed", *left[51:]])
    lines, omitted = draw_lines(rows, {})
    assert ([line.folded for line in lines if line.style == "fold"], omitted) == ([46, 45], 0)
    assert len(draw_lines(rows, {}, whole=True)[0]) == 100


def test_a_body_of_very_many_lines_is_shown_up_to_a_bound() -> None:
    rows = align_lines(["a"] * 60_000, ["b"] * 60_000)
    lines, omitted = draw_lines(rows, {})
    assert (len(lines), omitted) == (LINES, 60_000 - LINES)


def test_a_line_without_end_shows_the_part_that_differs() -> None:
    rows = align_lines(["x" * 100_000 + "a"], ["x" * 100_000 + "b"])
    cell = draw_lines(rows, {})[0][0].left
    assert cell is not None
    assert cell.marked.endswith("xa")
    assert len(cell.before) + len(cell.marked) + len(cell.after) < CHARS


def test_characters_that_steer_the_reader_are_shown_as_what_they_are() -> None:
    rows = align_lines(["pay \u202e 100\x1b[31m"], ["pay 100"])
    cell = draw_lines(rows, {})[0][0].left
    assert cell is not None
    shown = cell.before + cell.marked + cell.after
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert "\\u202e" in shown

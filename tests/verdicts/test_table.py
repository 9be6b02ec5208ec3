"""The table of the matrix: rows that were run anew replace what the page says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .launch_run import LaunchRun, list_problems
from .row import Ending, Row, Setting, Truth
from .rows import ROWS, SHORT_FORM
from .table import BEGIN, END, write_table

GOOD = Row(name="The same code", setting=Setting.HOOK, truth=Truth(ending=Ending.PROMOTED))
BAD = Row(name="A total is wrong", setting=Setting.NEITHER, truth=Truth(ending=Ending.ROLLED_BACK, endpoint="GET /a"))


def test_a_row_that_is_run_again_replaces_itself_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\n{END}\nafter\n")
    first = [LaunchRun(GOOD, ["PROMOTED: one."], judged=1), LaunchRun(BAD, ["PROMOTED: no."], problems=["a reason"])]
    write_table(page, first, (GOOD, BAD))
    assert "1 ended as they must, 1 did not" in page.read_text()
    write_table(page, [LaunchRun(BAD, ["ROLLED BACK: GET /a differs | much."], judged=2)], (GOOD, BAD))
    lines = page.read_text().splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert "| The same code | hook in shadow | promoted | 1 | 0 s | one. |" in lines
    assert "| A total is wrong | neither | rolled back | 2 | 0 s | GET /a differs \\| much. |" in lines
    assert "2 launches: 2 ended as they must, 0 did not." in lines


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no markers"):
        write_table(page, [], ())


@pytest.mark.parametrize(
    ("sentence", "judged", "problem"),
    [
        ("PROMOTED: all checks pass.", 100, "must be rolled back"),
        ("ROLLED BACK: GET /b differs.", 100, "must name GET /a"),
        ("ROLLED BACK: GET /a differs.", 9_000, "within 6,000 exchanges"),
    ],
)
def test_a_verdict_that_is_not_the_truth_is_a_problem(sentence: str, judged: int, problem: str) -> None:
    assert problem in " ".join(list_problems(LaunchRun(BAD, [sentence], judged=judged)))
    assert list_problems(LaunchRun(BAD, ["ROLLED BACK: GET /a differs."], judged=100)) == []


def test_each_row_is_told_apart_by_its_name_and_setting() -> None:
    for rows in (ROWS, SHORT_FORM):
        assert len({(row.name, row.setting) for row in rows}) == len(rows)
    assert len(ROWS) >= 30

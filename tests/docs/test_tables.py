"""Every table of a page is one that a browser shows as a table: a row a line, and as many cells in each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
RULE = re.compile(r"[ |:-]+")


def count_cells(row: str) -> int:
    return len(re.split(r"(?<!\\)\|", re.sub(r"`[^`]*`", "code", row.strip())[1:-1]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_table_has_a_row_a_line_and_equal_rows(page: Path) -> None:
    lines = FENCED.sub("", page.read_text()).split("\n")
    for number, line in enumerate(lines):
        if "|---" not in line and "|--:" not in line:
            continue
        assert RULE.fullmatch(line), f"not a row of its own: {line[:80]}"
        rows = [lines[number - 1], line]
        for row in lines[number + 1 :]:
            if not row.strip().startswith("|"):
                break
            rows.append(row)
        counts = {count_cells(row) for row in rows}
        assert len(counts) == 1, f"rows of {sorted(counts)} cells below {rows[0][:80]}"

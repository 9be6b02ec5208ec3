"""Every link from one page to another leads somewhere: to a file that is there, and to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:shared|producer|workers|comparator|console|tests|bench|docs|examples)/[\w/.]+)`")


def headings(page: Path) -> set[str]:
    """Return what a page's headings are linked by."""
    titles = [line.lstrip("#").strip().lower() for line in page.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        place, _, heading = link.partition("#")
        if not link.startswith("http"):
            target = (page.parent / place).resolve() if place else page
            assert target.exists(), link
            assert not heading or heading in headings(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    assert [name for name in NAMED.findall(page.read_text()) if not (ROOT / name).exists()] == []


def test_links_and_files_are_found() -> None:
    found = "".join(page.read_text() for page in PAGES)
    assert len(LINK.findall(found)) > 20
    assert len(NAMED.findall(found)) >= 5

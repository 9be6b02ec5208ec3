"""Read the project's pages: their tables and blocks, so that tests can hold them against the code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def page(path: str) -> str:
    """Return a page's text."""
    return (ROOT / path).read_text()


def table(text: str, first: str) -> list[list[str]]:
    """Return the rows of the table whose first column is headed `first`, each a list of cells without code marks."""
    lines = text[text.index(f"\n| {first} |") :].strip().splitlines()
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows[2:]


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next heading of any level."""
    _, _, rest = text.partition(f"\n{heading}\n")
    assert rest, f"there is no heading {heading!r}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def indented(text: str) -> list[str]:
    """Return the lines that are indented by four spaces: commands to type."""
    return [line[4:] for line in text.splitlines() if line.startswith("    ") and line.strip()]

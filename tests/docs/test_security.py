"""docs/SECURITY.md: each default names a test that exists."""

from __future__ import annotations

import re

from .page import ROOT, page

TEXT = page("docs/SECURITY.md")
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


def test_every_default_names_a_test_that_exists() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| default", "|---"))]
    rows = [row for row in rows if row.count("|") == 3]
    assert len(rows) > 20
    for row in rows:
        named = NAMED.findall(row)
        assert named, f"no test holds: {row}"
        for file, test in named:
            assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"there is no tests/{file}::{test}"

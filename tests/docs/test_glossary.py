"""One word, one thing: the glossary names each word once and classes that exist, and no two classes share a name."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from bench.readability import PACKAGES

from .page import ROOT

GLOSSARY = (ROOT / "docs" / "GLOSSARY.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in GLOSSARY.splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]


def classes() -> Iterator[tuple[str, str]]:
    for folder, package in PACKAGES.items():
        for path in (ROOT / folder / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield node.name, str(path.relative_to(ROOT))


def test_no_two_classes_share_a_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, path in classes():
        places[name].append(path)
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_the_glossary_has_each_word_once() -> None:
    words = [word.strip() for row in ROWS for word in row[0].split(",")]
    assert len(words) > 40
    assert sorted(words) == sorted(set(words))


def test_every_class_of_the_glossary_exists() -> None:
    names = {name for name, _ in classes()}
    named = {name for row in ROWS for name in re.findall(r"`([A-Z]\w+)`", row[2])}
    assert named - names == set()
    assert len(named) > 30

"""Print how readable the code is, as far as it can be counted: `python -m bench.readability [DIRECTORY]`.

The figures are a mirror, not a target: a reader's judgement decides. They are comparable between two checkouts of this
project (DIRECTORY is another one) and were chosen by comparing it with httpx, litestar, procrastinate, stamina,
starlette and streaq.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PACKAGES: Final = {
    "comparator": "darklaunch_comparator",
    "console": "darklaunch_console",
    "producer": "darklaunch",
    "shared": "darklaunch_shared",
    "workers": "darklaunch_workers",
}
ODD_OPENINGS: Final = ("Give", "Say", "Tell", "Let", "Have", "Hold")
"""Verbs that docstrings of this field do not begin with."""
MANY_POSITIONALS: Final = 6


@dataclass
class Names:
    """Names of one sort: how many there are, and how many of them are a single word."""

    total: int = 0
    one_word: int = 0

    def add(self, name: str) -> None:
        """Count one name; dunder names say nothing about the author."""
        if name.startswith("__"):
            return
        self.total += 1
        self.one_word += "_" not in name.strip("_")

    def __str__(self) -> str:
        return f"{self.one_word / max(self.total, 1):.0%}".replace("%", " %")


@dataclass
class Tally:
    """What was counted in all modules of the product."""

    lines: int = 0
    comments: int = 0
    long_calls: int = 0
    docstrings: int = 0
    odd_docstrings: int = 0
    modules: int = 0
    mirrored: int = 0
    declarations: int = 0
    public: Names = field(default_factory=Names)
    private: Names = field(default_factory=Names)
    methods: Names = field(default_factory=Names)
    classes: Counter[str] = field(default_factory=Counter)
    at_root: Counter[str] = field(default_factory=Counter)


def count_product(root: Path) -> Tally:
    """Count the five packages of the checkout at `root`."""
    tally = Tally()
    for folder, package in PACKAGES.items():
        base = root / folder / package
        for path in sorted(base.rglob("*.py")):
            _count_module(path, tally)
            if path.name not in ("__init__.py", "__main__.py"):
                inner = path.relative_to(base)
                tally.at_root[folder] += len(inner.parts) == 1
                if not _has_functions(path):
                    tally.declarations += 1
                    continue
                tally.modules += 1
                tally.mirrored += (root / "tests" / folder / inner.parent / f"test_{inner.name}").exists()
    return tally


def _count_module(path: Path, tally: Tally) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    tally.lines += text.count("\n")
    tally.comments += sum(1 for _ in _own_line_comments(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            tally.long_calls += len(node.args) >= MANY_POSITIONALS
        if isinstance(node, ast.ClassDef):
            tally.classes[node.name] += 1
            _count_methods(node, tally)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            tally.docstrings += bool(docstring)
            tally.odd_docstrings += bool(docstring) and (docstring or "").split(maxsplit=1)[0] in ODD_OPENINGS
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            (tally.private if node.name.startswith("_") else tally.public).add(node.name)


def _has_functions(path: Path) -> bool:
    """True if a module does anything; one of errors, constants or plain dataclasses leaves nothing to test."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)


def _count_methods(node: ast.ClassDef, tally: Tally) -> None:
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            tally.methods.add(member.name)


def _own_line_comments(text: str) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not re.match(r"#\s*(noqa|type:|pyright|fmt:|pragma)", token.string):
            yield token.string


def subject_lengths(root: Path, most: int = 100) -> list[int]:
    """Return the lengths of the latest commit subjects in ascending order, [] without git."""
    command = ["git", "-C", str(root), "log", f"-{most}", "--no-merges", "--format=%s"]
    log = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return sorted(len(line) for line in log.splitlines())


def prose_words(readme: str) -> int:
    """Return the number of words of a README before its first table, code blocks and tables left out."""
    prose = re.sub(r"```.*?```", "", readme.partition("\n|")[0], flags=re.DOTALL)
    return len(re.findall(r"\w[\w'-]*", prose))


def render_table(root: Path) -> str:
    """Return the figures of the checkout at `root`, one a line."""
    tally = count_product(root)
    shared_names = {name: count for name, count in tally.classes.items() if count > 1}
    lengths = subject_lengths(root)
    roots = ", ".join(f"{folder} {count}" for folder, count in tally.at_root.most_common())
    rows = [
        (
            "names of one word: public functions / private functions / methods",
            f"{tally.public} / {tally.private} / {tally.methods}",
        ),
        (
            "class names that mean more than one class",
            f"{len(shared_names)} names, {sum(shared_names.values())} classes",
        ),
        ("calls with 6 or more positional arguments, per 1,000 lines", f"{tally.long_calls / tally.lines * 1000:.2f}"),
        (
            "docstrings of functions that begin Give, Say, Tell, Let, Have, Hold",
            f"{tally.odd_docstrings / tally.docstrings:.0%}".replace("%", " %"),
        ),
        ("comment lines per 100", f"{tally.comments / tally.lines * 100:.1f}"),
        ("README, words before the first table", f"{prose_words((root / 'README.md').read_text()):,}"),
        (
            "commit subjects, 90th percentile of the last 100",
            f"{lengths[len(lengths) * 9 // 10]} characters" if lengths else "–",
        ),
        (
            f"modules with a test file at the mirrored path, {tally.declarations} without functions left out",
            f"{tally.mirrored} of {tally.modules}",
        ),
        ("modules at a package's root", roots),
    ]
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {figure}" for label, figure in rows)


if __name__ == "__main__":
    print(render_table(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))

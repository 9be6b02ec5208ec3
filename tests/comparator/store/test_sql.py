"""SQL is kept in one place, and every query that is asked for by name exists there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from darklaunch_comparator.store.sql import load

ROOT = Path(__file__).parents[3]
STORE = ROOT / "comparator/darklaunch_comparator/store"
SHOP = ROOT / "console/darklaunch_console/demo/shop"  # the demo's app, with an SQLite database of its own
PACKAGES = (
    "comparator/darklaunch_comparator",
    "console/darklaunch_console",
    "producer/darklaunch",
    "shared/darklaunch_shared",
    "workers/darklaunch_workers",
)
SQL = re.compile(
    r"^\s*(SELECT\s|INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|COPY\s|WITH\s+\w+\s+AS|GRANT\s|REVOKE\s"
    r"|(CREATE|ALTER|DROP)\s+(TABLE|DATABASE|ROLE|SCHEMA|FUNCTION|INDEX)|TRUNCATE\s|LOCK\s+TABLE|SHOW\s+\w+$"
    r"|SET\s+(LOCAL|SESSION|TRANSACTION|TIME\s+ZONE|\w+\s*=))|\b(FROM|INTO)\s+darklaunch\.|\bpg_\w*advisory"
)


def _find_docstrings(tree: ast.AST) -> set[int]:
    """Find string statements: docstrings, and the notes below constants."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def _find_sql(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    notes = _find_docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in notes:
            text = node.value if isinstance(node.value, str) else node.value.decode(errors="replace")
            if SQL.search(text):
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {' '.join(text.split())[:60]}"


def test_no_sql_stands_outside_the_store() -> None:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    outside = [path for path in paths if not path.is_relative_to(STORE) and not path.is_relative_to(SHOP)]
    assert len(outside) > 200
    assert [place for path in outside for place in _find_sql(path)] == []


def test_the_store_keeps_its_sql_in_sql_files() -> None:
    assert [place for path in STORE.rglob("*.py") for place in _find_sql(path)] == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "\nINSERT INTO t VALUES (1)",
        "UPDATE darklaunch.launch SET hold = true",
        "SET LOCAL lock_timeout = 1",
    ],
)
def test_sql_is_recognised(text: str) -> None:
    assert SQL.search(text)


def test_each_query_is_asked_for_by_a_name_that_exists_and_none_is_left_over() -> None:
    asked: dict[str, set[str]] = {}
    for path in STORE.glob("*.py"):
        source = path.read_text()
        for variable, topic in re.findall(r"^(_\w+)(?:: Final)? = load\(\"(\w+)\"\)", source, re.MULTILINE):
            literal = set(re.findall(r'"(\w+)"', source))
            named = set(re.findall(rf'{variable}\["(\w+)"\]', source))
            assert named <= load(topic).keys(), path.name
            made = (
                {f"add_{role}_sample" for role in ("first", "latest", "rarest")} if "_sample" in source else set[str]()
            )
            asked.setdefault(topic, set()).update(named | literal | made)
    topics = {path.stem for path in (STORE / "sql").glob("*.sql")}
    assert topics == asked.keys()
    assert {topic: load(topic).keys() - asked[topic] for topic in topics if load(topic).keys() - asked[topic]} == {}

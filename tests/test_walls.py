"""Text that belongs in one place is nowhere else: SQL, Lua, the HTTP headers of ours, Redis keys and entry fields.

import-linter holds which module may import which (pyproject.toml); what follows holds the text between the modules.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from darklaunch_shared import keys

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("shared", "producer", "workers", "comparator", "console")
FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]

SQL = re.compile(
    r"\s*(SELECT\s|INSERT INTO\s|UPDATE\s+\S+\s+SET\s|DELETE FROM\s|(CREATE|ALTER|DROP|GRANT|REVOKE|LOCK)\s+[A-Z]"
    r"|COPY\s|WITH\s+\w+\s+AS\s|SET\s+(LOCAL|ROLE|SESSION)\s|BEGIN\b|COMMIT\b|VACUUM\b|ANALYZE\b)"
)
LUA = re.compile(r"redis\.p?call\s*\(|\bKEYS\[\d|\bARGV\[\d")
OUR_HEADER = re.compile(r"x-darklaunch|server-timing", re.IGNORECASE)
REDIS_KEY = re.compile(r"\{?dl:")
ENTRY_FIELDS = {value for value in vars(keys).values() if isinstance(value, bytes)}


@cache
def read_texts(file: Path) -> list[tuple[int, str | bytes]]:
    """Return the line and value of each text in a file's code, without docstrings."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings
    ]


def find_outside(inside: tuple[str, ...], pattern: re.Pattern[str], *, at_start: bool = False) -> list[str]:
    """Return where a text matches `pattern` in files whose path begins with none of `inside`."""
    search = pattern.match if at_start else pattern.search
    return [
        f"{path}:{line}"
        for file in FILES
        if not (path := str(file.relative_to(ROOT))).startswith(inside)
        for line, text in read_texts(file)
        if search(text if isinstance(text, str) else text.decode("latin-1"))
    ]


STORE = "comparator/darklaunch_comparator/store/"
DEMO_SHOP = "console/darklaunch_console/demo/shop/"  # an example app with an SQLite database of its own
SCRIPTS = "shared/darklaunch_shared/scripts/"
HTTP_HEADERS = "shared/darklaunch_shared/wire/http_headers.py"
KEYS = "shared/darklaunch_shared/keys.py"


def test_sql_is_in_the_store_alone() -> None:
    assert find_outside((STORE, DEMO_SHOP), SQL, at_start=True) == []
    files = {file for package in PACKAGES for file in (ROOT / package).rglob("*.sql")}
    assert {file for file in files if not str(file.relative_to(ROOT)).startswith((STORE, DEMO_SHOP))} == set()


def test_lua_is_in_shared_scripts_alone() -> None:
    assert find_outside((SCRIPTS,), LUA) == []
    assert {file.parent for package in PACKAGES for file in (ROOT / package).rglob("*.lua")} == {ROOT / SCRIPTS}


def test_our_http_headers_are_spelled_in_one_module() -> None:
    assert find_outside((HTTP_HEADERS,), OUR_HEADER) == []


def test_redis_keys_are_spelled_in_one_module() -> None:
    assert find_outside((KEYS,), REDIS_KEY, at_start=True) == []


def test_entry_and_state_fields_are_spelled_in_one_module() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line} {text!r}"
        for file in FILES
        if str(file.relative_to(ROOT)) != KEYS
        for line, text in read_texts(file)
        if text in ENTRY_FIELDS
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("SELECT 1", SQL),
        ("\n    UPDATE darklaunch.launch SET spec = %s", SQL),
        ("CREATE TABLE t (a int)", SQL),
        ("return redis.call('GET', KEYS[1])", LUA),
        ("X-Darklaunch-Exchange", OUR_HEADER),
        ("{dl:checkout:0}:captures", REDIS_KEY),
    ],
)
def test_what_must_not_stand_elsewhere_is_recognised(text: str, pattern: re.Pattern[str]) -> None:
    assert pattern.match(text) or pattern.search(text)


def test_texts_are_found_in_the_places_that_own_them() -> None:
    assert OUR_HEADER.search(str(read_texts(ROOT / HTTP_HEADERS)))
    assert any(REDIS_KEY.match(str(text)) for _, text in read_texts(ROOT / KEYS))
    assert len(ENTRY_FIELDS) > 15

"""Find the line of a TOML or JSON text on which a part of a rule set stands, for messages about it."""

import re
from typing import Final

Where = tuple[str | int, ...]

_TABLE: Final = re.compile(r"\s*\[\[?\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*\]\]?")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*=")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def find_toml_line(text: str, where: Where) -> int:
    """Give the line, from 1, of the key, else of the table that holds it."""
    kind, at, key = (*where, *[None] * 3)[:3]
    found, seen, table = 1, -1, ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = header[1]
            seen += table == kind
            if table == kind and seen == (at or 0):
                found = number
        elif named := _KEY.match(line):
            if not table and named[1] == kind:
                found = number
            elif table == kind and seen == at and named[1] == key:
                return number
    return found


def find_json_line(text: str, where: Where) -> int:
    """Give the line, from 1, where the value starts, else the innermost one around it that is there."""
    best, found = 0, 1
    path: list[str | int] = []  # of the value that comes next, in the innermost array or object
    key_next: list[bool] = []  # whether that is an object that waits for a key
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "]}":
            del path[-1:], key_next[-1:]
        elif mark == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
            elif key_next:
                key_next[-1] = True
        elif mark != ":" and key_next and key_next[-1]:
            path[-1], key_next[-1] = mark.strip('"'), False
            if tuple(path) == where[: len(path)] and len(path) > best:
                best, found = len(path), text.count("\n", 0, token.start()) + 1
        elif mark != ":":
            if path and tuple(path) == where[: len(path)] and len(path) > best:
                best, found = len(path), text.count("\n", 0, token.start()) + 1
            if mark in "[{":
                path.append(0 if mark == "[" else "")
                key_next.append(mark == "{")
    return found

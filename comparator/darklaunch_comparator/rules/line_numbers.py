"""Find the line of a TOML or JSON text on which a part of a rule set stands, for messages about it."""

import re
from typing import Final

Location = tuple[str | int, ...]
"""Kind, position and key: (`ignore`, 2, `pattern`). Shorter if the whole rule, or all of a kind, is meant."""

_TABLE: Final = re.compile(r"\s*\[\[?\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*\]\]?")
_KEY: Final = re.compile(r"\s*[\"']?([A-Za-z0-9_-]+)[\"']?\s*=")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+')


def find_toml_line(text: str, location: Location) -> int:
    """Return the line, from 1, of the key, else of the table that it belongs to."""
    kind, position, key = (*location, *[None] * 3)[:3]
    line_of_table, tables_of_kind, table = 1, 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = header[1]
            tables_of_kind += table == kind
            if table == kind and tables_of_kind - 1 == (position or 0):
                line_of_table = number
        elif assignment := _KEY.match(line):
            if not table and assignment[1] == kind:
                line_of_table = number
            elif table == kind and tables_of_kind - 1 == position and assignment[1] == key:
                return number
    return line_of_table


def find_json_line(text: str, location: Location) -> int:
    """Return the line, from 1, where the value starts, else the innermost one around it that is there."""
    best_depth, best_line = 0, 1
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
        elif mark != ":":
            is_key = bool(key_next and key_next[-1])
            if is_key:
                path[-1], key_next[-1] = mark.strip('"'), False
            if path and tuple(path) == location[: len(path)] and len(path) > best_depth:
                best_depth, best_line = len(path), text.count("\n", 0, token.start()) + 1
            if not is_key and mark in "[{":
                path.append(0 if mark == "[" else "")
                key_next.append(mark == "{")
    return best_line

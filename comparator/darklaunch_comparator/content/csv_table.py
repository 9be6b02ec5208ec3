"""Read CSV (RFC 4180, also separated by semicolons, tabs or bars) as a table whose columns have names."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

SEPARATORS: Final = ",;\t|"
_NUMBER: Final = re.compile(r"[-+\d.,\s]*")
_NAME_CHARS: Final = 100


class CsvCell(NamedTuple):
    """One cell: where it stands in the text, with its quotes, and its value without them."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A table: the names of its columns, and its rows. A row may have more or fewer cells than there are names."""

    names: tuple[str, ...]
    rows: list[list[CsvCell]]
    separator: str


def read_csv(text: str) -> CsvTable | None:
    """Return a text as a table; None if its first line names no columns."""
    start = 1 if text.startswith("\ufeff") else 0
    first_line = text[start:].partition("\n")[0]
    separator = max(SEPARATORS, key=first_line.count)
    rows = _split_rows(text, start, separator)
    header = [cell.value.strip() for cell in rows[0]] if rows else []
    if not header or not all(name and len(name) <= _NAME_CHARS and not _NUMBER.fullmatch(name) for name in header):
        return None
    names: list[str] = []
    for name in header:
        names.append(f"{name}#{header[: len(names)].count(name) + 1}" if name in names else name)
    return CsvTable(tuple(names), [row for row in rows[1:] if row != [] and (len(row) > 1 or row[0].value)], separator)


def _split_rows(text: str, start: int, separator: str) -> list[list[CsvCell]]:
    pattern = _compile_cell(separator)
    rows: list[list[CsvCell]] = []
    row: list[CsvCell] = []
    while start < len(text) or row:
        match = pattern.match(text, start)
        if match is None:
            break
        quoted = match["quoted"]
        value = match["bare"] if quoted is None else quoted.replace('""', '"') + match["rest"]
        row.append(CsvCell(match.start(), match.end("bare" if quoted is None else "rest"), value))
        if match["end"] != separator:
            rows.append(row)
            row = []
            if match.end() == len(text):
                break
        start = match.end()
    return rows


@lru_cache(maxsize=8)
def _compile_cell(separator: str) -> re.Pattern[str]:
    other = rf"[^{re.escape(separator)}\r\n]*+"
    return re.compile(
        rf'(?:"(?P<quoted>(?:[^"]|"")*+)"(?P<rest>{other})|(?P<bare>{other}))(?P<end>{re.escape(separator)}|\r?\n|\r|\Z)'
    )

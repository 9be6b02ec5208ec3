"""Compare two bodies of CSV as arrays of their rows, each an object of its cells: `$[*].price`."""

from itertools import zip_longest

from darklaunch_comparator.content import CsvTable, read_csv
from darklaunch_comparator.places import ROOT

from . import render
from .collector import DifferenceCollector
from .count_places import count_leaves_of
from .json_equality import find_differences
from .json_walk import walk_json
from .model import DifferenceKind, Json
from .text_lines import compare_text, decode_texts
from .volatile import VolatileValues


def compare_csv(primary: bytes, shadow: bytes, volatile: VolatileValues, collector: DifferenceCollector) -> None:
    """Report the differences between two texts of CSV in UTF-8; by lines where neither names its columns."""
    texts = decode_texts(primary, shadow, collector)
    if texts is None:
        return
    primary_table, shadow_table = read_csv(texts[0]), read_csv(texts[1])
    if primary_table is None and shadow_table is None:
        compare_text(primary, shadow, volatile, collector)
        return
    if primary_table is None or shadow_table is None:
        rendered = [
            render.make_printable(text) if table is None else _describe_columns(table)
            for table, text in ((primary_table, texts[0]), (shadow_table, texts[1]))
        ]
        collector.add_description(ROOT, DifferenceKind.TYPE, *rendered)
        return
    if primary_table.separator != shadow_table.separator or _is_reordered(primary_table, shadow_table):
        rendered = [_describe_columns(table) for table in (primary_table, shadow_table)]
        collector.add_description(ROOT, DifferenceKind.ORDER, *rendered)
    primary_rows = _list_rows(primary_table)
    walk_json(primary_rows, _list_rows(shadow_table), find=find_differences, volatile=volatile, collector=collector)
    if collector.places_by_shape:
        collector.total_places = count_leaves_of(primary_rows)


def parse_csv_rows(text: bytes) -> list[Json] | None:
    """Return the rows of a table in UTF-8 as they are compared; None if its columns have no names."""
    table = read_csv(text.decode())
    return None if table is None else _list_rows(table)


def _is_reordered(primary: CsvTable, shadow: CsvTable) -> bool:
    return primary.names != shadow.names and sorted(primary.names) == sorted(shadow.names)


def _describe_columns(table: CsvTable) -> str:
    separator = "tab" if table.separator == "\t" else table.separator
    return render.make_printable(f"columns, separated by {separator}: {', '.join(table.names)}")


def _list_rows(table: CsvTable) -> list[Json]:
    """Return the rows as objects. A surplus cell is named by its position; a missing one has no member."""
    rows: list[Json] = []
    for row in table.rows:
        names = [name or f"#{at}" for at, (name, _) in enumerate(zip_longest(table.names, row), 1)]
        rows.append({name: cell.value for name, cell in zip(names, row, strict=False)})
    return rows

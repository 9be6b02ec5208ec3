"""CSV as a table: whatever separates it, and when it is none."""

import csv
import io
import time

import pytest
from darklaunch_comparator.content import read_csv
from hypothesis import given
from hypothesis import strategies as st


def read(text: str) -> tuple[tuple[str, ...], list[list[str]]] | None:
    table = read_csv(text)
    return None if table is None else (table.names, [[cell.value for cell in row] for row in table.rows])


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a,b\n1,2\n", (("a", "b"), [["1", "2"]])),
        ("\ufeffa;b\r\n1;2", (("a", "b"), [["1", "2"]])),
        ("a\tb\n1\t\n\n2\t3", (("a", "b"), [["1", ""], ["2", "3"]])),
        ('"a","b"\n"x, ""y""\nz",2', (("a", "b"), [['x, "y"\nz', "2"]])),
        ("a,a\n1,2", (("a", "a#2"), [["1", "2"]])),
        ("a\n1\n2", (("a",), [["1"], ["2"]])),
        ("a,b\n1\n1,2,3", (("a", "b"), [["1"], ["1", "2", "3"]])),
        ('a,b\n"open,2', (("a", "b"), [['"open', "2"]])),
        ("1,2\n3,4", None),
        ("a,,b\n1,2,3", None),
        ("", None),
    ],
)
def test_texts_are_read_as_tables(text: str, table: object) -> None:
    assert read(text) == table


cells = st.text(st.sampled_from('ab,;"\n \t|'), max_size=6)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=5))
def test_what_the_library_writes_is_read(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written).writerows([["one", "two"], *rows])
    assert read(written.getvalue()) == (("one", "two"), rows)


@pytest.mark.parametrize("text", ['a,b\n"' + '",' * 50_000, "a,b\n" + '"",' * 50_000, "a\n" + '"x\n' * 50_000])
def test_hostile_tables_take_bounded_time(text: str) -> None:
    began = time.process_time()
    read(text)
    assert time.process_time() - began < 4

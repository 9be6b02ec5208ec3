"""CSV compares row by row and cell by cell, at places named by columns."""

import pytest
from darklaunch_comparator.compare import ComparisonOutcome

from tests.support.comparisons import compare_bodies
from tests.support.rules import ruled

TABLE = "sku,price\na,1.00\nb,2.00\nc,3.00\n"


def list_differences(primary: str, shadow: str) -> list[tuple[str, str, str | None, str | None]]:
    comparison = compare_bodies(primary, shadow, content_type="text/csv")
    return [(one.path, one.kind.value, one.primary, one.shadow) for one in comparison.differences]


SOLD_OUT = '{"sku": "b", "price": "2.00"}'
COLUMNS = "columns, separated by ,: sku, price"


@pytest.mark.parametrize(
    ("shadow", "difference"),
    [
        (TABLE.replace("2.00", "0.00"), ("$[1].price", "value", '"2.00"', '"0.00"')),
        (TABLE.replace("b,2.00\n", ""), ("$", "size", f"3 elements, only here: {SOLD_OUT}", "2 elements")),
        (TABLE.replace("b,2.00", "b"), ("$[1].price", "missing", '"2.00"', None)),
        ("price,sku\n1.00,a\n2.00,b\n3.00,c\n", ("$", "order", COLUMNS, "columns, separated by ,: price, sku")),
        (TABLE.replace(",", ";"), ("$", "order", COLUMNS, "columns, separated by ;: sku, price")),
        ("1,2\n", ("$", "type", COLUMNS, "1,2\\u000a")),
    ],
)
def test_a_difference_names_row_and_column(shadow: str, difference: object) -> None:
    assert list_differences(TABLE, shadow) == [difference]


@pytest.mark.parametrize("shadow", [TABLE.replace("\n", "\r\n"), TABLE.replace("a,1.00", '"a","1.00"')])
def test_how_a_table_is_written_means_nothing(shadow: str) -> None:
    assert list_differences(TABLE, shadow) == []


def test_without_names_lines_are_compared() -> None:
    assert [path for path, *_ in list_differences("1,2\n3,4\n", "1,2\n3,5\n")] == ["line:#"]


def test_rules_work_on_columns() -> None:
    rules = ruled(ignore=[{"path": "$[*].price"}])
    comparison = compare_bodies(TABLE, TABLE.replace("2.00", "0.00"), content_type="text/csv", rules=rules)
    assert comparison.outcome is ComparisonOutcome.IGNORED

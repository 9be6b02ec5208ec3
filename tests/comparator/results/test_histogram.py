"""Exponential histograms: bounded error, additive, and the same in Python and in SQL."""

import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from darklaunch_comparator.results import histogram
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.report_queries import read_latency
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection, errors

from tests.support.exchanges import NOW_MS, exchange, finding, replayed, unanswered

ERROR = 0.0055
"""Half a bucket at scale 6 is 0.54 %."""

VALUES = st.floats(min_value=-1e8, max_value=1e8, allow_nan=False)


@pytest.fixture(scope="module")
def connection(postgres_dsn: str) -> Iterator[Connection[Any]]:
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield connection


def exact(values: list[float], q: float) -> float:
    """Return the smallest value that at least the share q does not exceed."""
    return sorted(values)[max(1, math.ceil(round(q * len(values), 9))) - 1]


@given(VALUES)
def test_a_bucket_stands_for_its_values_within_the_bound(value_ms: float) -> None:
    stands_for = histogram.key_value_ms(histogram.histogram_key(value_ms))
    assert stands_for == pytest.approx(value_ms, rel=ERROR, abs=histogram.ZERO_MS)


@given(VALUES, VALUES)
def test_keys_are_in_the_order_of_values(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert histogram.histogram_key(low) <= histogram.histogram_key(high)


@given(st.lists(VALUES, max_size=30), st.lists(VALUES, max_size=30))
def test_merging_is_counting_together(a: list[float], b: list[float]) -> None:
    parts = [counted(a), counted(b)]
    assert histogram.merge_histograms(parts) == counted(a + b)


@given(st.lists(VALUES, min_size=1, max_size=60), st.floats(0, 1))
def test_quantiles_are_within_the_bound(values: list[float], q: float) -> None:
    found = histogram.quantile(counted(values), q)
    assert found == pytest.approx(exact(values, q), rel=ERROR, abs=histogram.ZERO_MS)


@given(st.lists(VALUES, min_size=1, max_size=60), st.floats(0, 1))
def test_the_bound_of_a_quantile_is_the_next_one_up(values: list[float], q: float) -> None:
    found = histogram.quantile_bound(counted(values), q)
    middle = histogram.quantile(counted(values), q)
    assert found is not None
    assert middle is not None
    assert middle <= found
    assert exact(values, q) <= found + 1e-9 * abs(found)
    assert found == pytest.approx(exact(values, q), rel=2 * ERROR, abs=2 * histogram.ZERO_MS)


def test_a_constant_does_not_exceed_its_own_quantile() -> None:
    assert histogram.quantile_bound(counted([1.0] * 9), 0.5) == 1.0
    assert histogram.quantile_bound({}, 0.5) is None


def test_the_edges_of_the_axis() -> None:
    assert (
        histogram.histogram_key(0.0) == histogram.histogram_key(-0.0) == histogram.histogram_key(histogram.ZERO_MS) == 0
    )
    assert histogram.histogram_key(1.0) + 1 == histogram.histogram_key(1.0001), "upper bounds are inclusive"
    assert histogram.histogram_key(math.inf) == histogram.histogram_key(1e300) == -histogram.histogram_key(-math.inf)
    assert histogram.quantile({}, 0.5) is None
    with pytest.raises(ValueError):
        histogram.histogram_key(math.nan)


def test_sql_says_what_python_says(connection: Connection[Any]) -> None:
    keys = [*range(-3000, 3001, 37), 0, 1, -1, 641]
    stored = connection.execute("SELECT k, darklaunch.key_ms(k) FROM unnest(%s::int[]) AS k", [keys]).fetchall()
    assert dict(stored) == pytest.approx({key: histogram.key_value_ms(key) for key in keys}, rel=1e-12)


def test_sql_adds_histograms_whether_it_appends_or_sums_up(connection: Connection[Any]) -> None:
    one, other = {-3: 2, 0: 1, 7: 5}, {-3: -2, 7: 1, 9: 4}
    assert added(connection, one, other) == ([-3, 0, 7, -3, 7, 9], [2, 1, 5, -2, 1, 4])
    many = {key: key for key in range(1000, 2100)}
    keys, counts = added(connection, many | one, other)
    assert dict(zip(keys, counts, strict=True)) == {0: 1, 7: 6, 9: 4} | many and len(keys) == len(set(keys))
    assert added(connection, {}, {}) == ([], [])
    assert added(connection, many, {key: -count for key, count in many.items()}) == ([], [])


def added(connection: Connection[Any], one: dict[int, int], other: dict[int, int]) -> tuple[list[int], list[int]]:
    row = connection.execute(
        "SELECT keys, counts FROM darklaunch.add_histograms(%s::int[], %s::bigint[], %s::int[], %s::bigint[])",
        [list(one), list(one.values()), list(other), list(other.values())],
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def test_psql_answers_quantiles_of_either_side_and_of_the_paired_difference(
    connection: Connection[Any], launch_name: str
) -> None:
    chance = random.Random(5)
    pairs: dict[str, list[tuple[float, float]]] = {"GET /a": [], "GET /b": []}
    findings = []
    for seq in range(1, 601):
        endpoint = chance.choice(["GET /a", "GET /a", "GET /b"])
        pair = (chance.lognormvariate(2, 1), chance.lognormvariate(2.2, 1.2))
        pairs[endpoint].append(pair)
        captured = exchange(
            launch_name, seq, endpoint=endpoint, latency_ms=pair[0], at_ms=NOW_MS - chance.randrange(90_000)
        )
        findings.append(finding(replayed(captured, latency_ms=pair[1]), launch_name))
    for at in range(0, 600, 150):
        write_batch(connection, launch_name, findings[at : at + 150], WriterCache())
    both = pairs["GET /a"] + pairs["GET /b"]
    of_launch_and_endpoint: list[tuple[str | None, list[tuple[float, float]]]] = [
        (None, both),
        ("GET /b", pairs["GET /b"]),
    ]
    for named_endpoint, measured in of_launch_and_endpoint:
        sides = {
            "primary": [p for p, _ in measured],
            "shadow": [s for _, s in measured],
            "difference": [s - p for p, s in measured],
        }
        for side, values in sides.items():
            for q in (0, 0.01, 0.5, 0.95, 0.99, 1):
                row = connection.execute(
                    "SELECT darklaunch.quantile(%s, %s, %s, %s)", [launch_name, q, side, named_endpoint]
                ).fetchone()
                assert row is not None and row[0] == pytest.approx(exact(values, q), rel=ERROR, abs=0.001)
    table = {(row.endpoint, row.side): row for row in read_latency(connection, launch_name)}
    assert len(table) == 9
    row = table["GET /a", "shadow"]
    shadow = [s for _, s in pairs["GET /a"]]
    assert row.pairs == len(shadow)
    assert (row.p50, row.p95, row.p99) == pytest.approx([exact(shadow, q) for q in (0.5, 0.95, 0.99)], rel=ERROR)


def test_a_span_of_time_is_the_blocks_that_start_in_it(connection: Connection[Any], launch_name: str) -> None:
    for seq, (age_ms, latency_ms) in enumerate(((600_000, 10.0), (0, 1000.0)), 1):
        captured = exchange(launch_name, seq, at_ms=NOW_MS - age_ms, latency_ms=latency_ms)
        write_batch(connection, launch_name, [finding(replayed(captured), launch_name)], WriterCache())
    row = connection.execute(
        "SELECT darklaunch.quantile(%(n)s, 1), darklaunch.quantile(%(n)s, 1, until => to_timestamp(%(t)s)), "
        "darklaunch.quantile(%(n)s, 0, since => to_timestamp(%(t)s)), "
        "darklaunch.quantile(%(n)s, 0.5, endpoint => 'GET /nothing')",
        {"n": launch_name, "t": NOW_MS / 1000 - 300},
    ).fetchone()
    assert row == (*(pytest.approx(value, rel=ERROR) for value in (1000.0, 10.0, 1000.0)), None)


@pytest.mark.parametrize("arguments", ["1.01", "-0.1", "NULL", "0.5, 'tertiary'", "0.5, NULL"])
def test_a_question_that_makes_no_sense_is_refused(connection: Connection[Any], arguments: str) -> None:
    with pytest.raises(errors.InvalidParameterValue):
        connection.execute(f"SELECT darklaunch.quantile('x', {arguments})".encode())


def test_slow_replays_are_counted_with_those_that_never_answered(connection: Connection[Any], launch_name: str) -> None:
    entries = [
        replayed(exchange(launch_name, 1), latency_ms=5.0),
        replayed(exchange(launch_name, 2), latency_ms=2006.0),
        unanswered(exchange(launch_name, 3), waited_ms=7000.0),
        unanswered(exchange(launch_name, 4), waited_ms=100.0),
    ]
    write_batch(connection, launch_name, [finding(entry, launch_name) for entry in entries], WriterCache())
    row = read_latency(connection, launch_name)[0]
    assert (row.endpoint, row.pairs, row.slow, row.slow_share) == (None, 2, 2, 0.5)


def counted(values: list[float]) -> histogram.Histogram:
    total: histogram.Histogram = {}
    for value in values:
        histogram.count_value(total, value)
    return total

"""The batch transaction: exactly once, whatever comes twice, late, or with odd text in it."""

from collections.abc import Iterator
from typing import Any

import pytest
from darklaunch_comparator.results.result import ExchangeResult, create_lost_result
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.write_batch import WrittenBatch, prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import OVERFLOW, WriterCache
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from tests.support.exchanges import (
    DAY_MS,
    NOW_MS,
    PRODUCER,
    assert_sums_equal_rows,
    exchange,
    finding,
    lost,
    replayed,
    some_findings,
    unanswered,
)


@pytest.fixture(scope="module")
def connection(postgres_dsn: str) -> Iterator[Connection[Any]]:
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield connection


def rows(connection: Connection[Any], launch: str) -> dict[str, tuple[str, str | None]]:
    found = connection.execute("SELECT exchange_id, outcome, reason FROM darklaunch.result WHERE launch = %s", [launch])
    return {identity: (outcome, reason) for identity, outcome, reason in found}


def test_findings_become_rows_and_sums(connection: Connection[Any], launch_name: str) -> None:
    findings = some_findings(launch_name, 200)
    assert write_batch(connection, launch_name, findings, WriterCache()) == WrittenBatch(200, 0, 0)
    assert len(rows(connection, launch_name)) == 200
    assert_sums_equal_rows(connection, launch_name)


def test_a_batch_that_comes_again_adds_nothing(connection: Connection[Any], launch_name: str) -> None:
    findings = some_findings(launch_name, 60)
    write_batch(connection, launch_name, findings[:40], WriterCache())
    assert write_batch(connection, launch_name, findings, WriterCache()) == WrittenBatch(20, 40, 0)
    assert write_batch(connection, launch_name, findings[::-1], WriterCache()) == WrittenBatch(0, 60, 0)
    assert_sums_equal_rows(connection, launch_name)
    ledger = report_queries.read_launch_ledger(connection, launch_name)
    assert (ledger.sampled, ledger.settled, ledger.on_its_way) == (60, 60, 0)


def test_one_exchange_twice_in_a_batch_counts_once(connection: Connection[Any], launch_name: str) -> None:
    captured = exchange(launch_name, 1)
    twice = [finding(replayed(captured), launch_name), finding(replayed(captured, body={"total": 9}), launch_name)]
    assert write_batch(connection, launch_name, twice, WriterCache()) == WrittenBatch(1, 1, 0)
    assert rows(connection, launch_name) == {f"{PRODUCER}:1": ("matched", None)}


def test_a_late_result_replaces_what_was_given_up(connection: Connection[Any], launch_name: str) -> None:
    dead, missed, stale = (exchange(launch_name, seq) for seq in (1, 2, 3))
    yesterday = create_lost_result(missed.id, NOW_MS - DAY_MS)
    given_up = [finding(lost(dead, "dead", "dead"), launch_name), yesterday, finding(lost(stale), launch_name)]
    write_batch(connection, launch_name, given_up, WriterCache())
    assert report_queries.read_launch_ledger(connection, launch_name).dropped_by_reason == {
        "lost_in_redis": 1,
        "stale": 1,
    }
    late = [finding(replayed(captured), launch_name) for captured in (dead, missed, stale)]
    assert write_batch(connection, launch_name, late, WriterCache()) == WrittenBatch(2, 1, 2)
    assert rows(connection, launch_name) == {
        dead.id: ("matched", None),
        missed.id: ("matched", None),
        stale.id: ("dropped", "stale"),
    }
    assert_sums_equal_rows(connection, launch_name)
    assert report_queries.read_launch_ledger(connection, launch_name).dropped_by_reason == {"stale": 1}


def test_what_was_given_up_never_replaces_a_result(connection: Connection[Any], launch_name: str) -> None:
    captured = exchange(launch_name, 1)
    write_batch(connection, launch_name, [finding(replayed(captured), launch_name)], WriterCache())
    afterwards = [finding(lost(captured, "dead", "dead"), launch_name)]
    assert write_batch(connection, launch_name, afterwards, WriterCache()) == WrittenBatch(0, 1, 0)
    assert rows(connection, launch_name) == {captured.id: ("matched", None)}


def test_dead_twice_on_different_days_is_one_row(connection: Connection[Any], launch_name: str) -> None:
    today, yesterday = exchange(launch_name, 1), exchange(launch_name, 1, at_ms=NOW_MS - DAY_MS)
    for captured in (today, yesterday):
        write_batch(connection, launch_name, [finding(lost(captured, "dead", "dead"), launch_name)], WriterCache())
    assert len(rows(connection, launch_name)) == 1
    assert_sums_equal_rows(connection, launch_name)


KINDS = st.sampled_from(["matched", "mismatched", "timeout", "stale", "dead", "lost_in_redis"])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.lists(st.tuples(st.integers(1, 5), KINDS), min_size=1, max_size=6), min_size=1, max_size=5))
def test_in_whatever_order_things_come_the_most_final_stands_and_sums_equal_rows(
    connection: Connection[Any], launch_name: str, batches: list[list[tuple[int, str]]]
) -> None:
    for table in ("result", "provisional", "bucket", "tally", "producer", "signature", "sample"):
        connection.execute(f"DELETE FROM darklaunch.{table} WHERE launch = %s", [launch_name])
    standing: dict[int, ExchangeResult] = {}
    for batch in batches:
        findings = [_finding(launch_name, seq, kind) for seq, kind in batch]
        write_batch(connection, launch_name, findings, WriterCache())
        for (seq, _), each in zip(batch, findings, strict=True):
            if seq not in standing or each.rank > standing[seq].rank:
                standing[seq] = each
    assert rows(connection, launch_name) == {
        each.exchange_id: (each.outcome, each.reason) for each in standing.values()
    }
    assert_sums_equal_rows(connection, launch_name)


def _finding(launch: str, seq: int, kind: str) -> ExchangeResult:
    captured = exchange(launch, seq)
    if kind == "lost_in_redis":
        return create_lost_result(captured.id, NOW_MS - DAY_MS)
    entries = {
        "matched": replayed(captured),
        "mismatched": replayed(captured, body={"total": 2}),
        "timeout": unanswered(captured),
        "stale": lost(captured),
        "dead": lost(captured, "dead", "dead"),
    }
    return finding(entries[kind], launch)


def test_a_signature_keeps_its_first_and_its_latest_exchange(connection: Connection[Any], launch_name: str) -> None:
    memory = WriterCache(sample_every_s=0)
    captured = [exchange(launch_name, seq, at_ms=NOW_MS + seq) for seq in range(1, 8)]
    wrong = [finding(replayed(each, body={"total": each.captured_at_ms}), launch_name) for each in captured]
    write_batch(connection, launch_name, wrong[1:3], memory)
    write_batch(connection, launch_name, wrong[3:6], memory)
    write_batch(connection, launch_name, [wrong[0]], memory)
    (signature,) = report_queries.read_signatures(connection, launch_name)
    assert (signature.count, signature.first_sample, signature.latest_sample) == (6, captured[1].id, captured[5].id)
    assert signature.parts == [{"path": "$.total", "kind": "value"}]
    assert signature.first_seen.timestamp() * 1000 == pytest.approx(captured[0].captured_at_ms)
    kept = report_queries.read_sample(connection, captured[5].id, launch_name)
    assert kept is not None and kept.replay.exchange == captured[5] and kept.launch == launch_name
    assert [each["path"] for each in kept.differences] == ["$.total"]
    assert report_queries.read_sample(connection, captured[3].id, launch_name) is None


def test_signatures_of_a_launch_are_bounded(connection: Connection[Any], launch_name: str) -> None:
    memory = WriterCache(signatures=3)
    wrong = [
        finding(replayed(exchange(launch_name, seq), body={"total": 1, f"k{chr(96 + seq)}": 1}), launch_name)
        for seq in range(1, 8)
    ]
    write_batch(connection, launch_name, wrong[:4], memory)
    write_batch(connection, launch_name, wrong[4:], memory)
    counts = {
        signature.fingerprint: signature.count for signature in report_queries.read_signatures(connection, launch_name)
    }
    assert len(counts) == 4 and counts[OVERFLOW] == 4
    assert_sums_equal_rows(connection, launch_name)


def test_odd_text_and_numbers_are_recorded(connection: Connection[Any], launch_name: str) -> None:
    odd = ["nul \0 in it", "lone \ud800 surrogate", "x" * 100_000, "\U0001f600" * 5000, "'; DROP TABLE x; --", "%s"]
    findings: list[ExchangeResult] = []
    for seq, text in enumerate(odd, 1):
        endpoint = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        captured = exchange(launch_name, seq, endpoint=endpoint, body={"a": 1})
        body = b'{"a": "\\u0000 \\ud800", "b": NaN, "' + b"k" * 5000 + b'": 1e400}'
        fields = replayed(captured, body={"a": 0}, latency_ms=86_400_000.0)
        findings.append(finding({**fields, b"shadow": body}, launch_name))
    findings.append(finding(unanswered(exchange(launch_name, 100, endpoint="GET /\0")), launch_name))
    assert write_batch(connection, launch_name, findings, WriterCache()) == WrittenBatch(len(odd) + 1, 0, 0)
    assert_sums_equal_rows(connection, launch_name)
    assert len(report_queries.read_signatures(connection, launch_name)) == 2 * len(odd) + 1, "they are slow as well"


def test_capture_times_far_away_are_kept_and_still_counted_once(connection: Connection[Any], launch_name: str) -> None:
    far = [exchange(launch_name, seq, at_ms=at) for seq, at in enumerate((946_684_800_000, 32_503_679_000_000), 1)]
    findings = [finding(replayed(captured), launch_name) for captured in far]
    assert write_batch(connection, launch_name, findings, WriterCache()) == WrittenBatch(2, 0, 0)
    assert write_batch(connection, launch_name, findings, WriterCache()) == WrittenBatch(0, 2, 0)
    assert_sums_equal_rows(connection, launch_name)


def test_the_build_that_answered_is_recorded(connection: Connection[Any], launch_name: str) -> None:
    entries = [
        replayed(exchange(launch_name, 1), build="v42"),
        unanswered(exchange(launch_name, 2), build="v42"),
        replayed(exchange(launch_name, 3)),
    ]
    write_batch(connection, launch_name, [finding(entry, launch_name) for entry in entries], WriterCache())
    rows = connection.execute("SELECT exchange_id, build FROM darklaunch.result WHERE launch = %s", [launch_name])
    assert {identity[-1]: build for identity, build in rows} == {"1": "v42", "2": "v42", "3": ""}

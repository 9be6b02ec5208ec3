"""What a batch adds to signatures: three samples and no more, a bounded memory, and states that come back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from darklaunch_comparator.errors import NoSalt
from darklaunch_comparator.pipeline.assess import compile_launch_rules
from darklaunch_comparator.results.aggregate import SignatureGains, aggregate_results
from darklaunch_comparator.results.request_shape import fingerprint_request
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_comparator.store import report_queries
from darklaunch_comparator.store.classify_error import BatchFailure, classify_error
from darklaunch_comparator.store.connect import connect_store
from darklaunch_comparator.store.signatures import decide_signatures
from darklaunch_comparator.store.update_signatures import explain_reopening
from darklaunch_comparator.store.write_batch import prepare_connection, write_batch
from darklaunch_comparator.store.writer_cache import WriterCache
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Exchange, Request
from darklaunch_shared.wire.replay import pack_replay
from psycopg import Connection

from tests.support.exchanges import NOW_MS, exchange, finding, replayed
from tests.support.pack_exchange import pack_exchange


@pytest.fixture(scope="module")
def connection(postgres_dsn: str) -> Iterator[Connection[Any]]:
    with connect_store(postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        yield connection


def wrong(launch: str, seq: int, target: str = "", *, build: str = "", at_ms: int = NOW_MS) -> ExchangeResult:
    plain = exchange(launch, seq, at_ms=at_ms)
    request = Request("GET", target or f"/orders/{seq}", "http://shop", (), b"")
    captured = Exchange(plain.id, launch, plain.captured_at_ms, plain.endpoint, request, plain.primary)
    return finding(replayed(captured, body={"total": 2}, build=build), launch)


def test_the_rarest_request_is_kept_beside_the_first_and_the_latest(connection: Any, launch_name: str) -> None:
    memory = WriterCache()
    write_batch(connection, launch_name, [wrong(launch_name, seq) for seq in range(1, 20)], memory)
    (signature,) = report_queries.read_signatures(connection, launch_name)
    assert signature.rarest_sample is None, "all are alike"
    odd = wrong(launch_name, 20, "/orders/20?currency=usd")
    write_batch(connection, launch_name, [odd, *(wrong(launch_name, seq) for seq in range(21, 40))], memory)
    for batch in range(2, 6):
        write_batch(connection, launch_name, [wrong(launch_name, batch * 20 + seq) for seq in range(20)], memory)
    (signature,) = report_queries.read_signatures(connection, launch_name)
    assert signature.rarest_sample == odd.exchange_id
    assert report_queries.read_sample(connection, odd.exchange_id, launch_name) is not None


def test_a_group_keeps_three_samples_and_32_variants_however_much_comes(connection: Any, launch_name: str) -> None:
    memory = WriterCache(sample_every_s=0)
    for batch in range(12):
        seqs = range(batch * 10 + 1, batch * 10 + 11)
        found = [wrong(launch_name, seq, f"/orders/{seq}?p{seq}=1", build=f"b{seq}") for seq in seqs]
        write_batch(connection, launch_name, found, memory)
    kept = connection.execute("SELECT role FROM darklaunch.sample WHERE launch = %s ORDER BY role", [launch_name])
    assert kept.fetchall() == [("first",), ("latest",), ("rarest",)]
    variants, builds = connection.execute(
        "SELECT variants, builds FROM darklaunch.signature WHERE launch = %s", [launch_name]
    ).fetchone()
    assert len(variants) == 32
    assert builds == sorted((f"b{seq}" for seq in range(101, 121)), key=lambda build: builds.index(build))
    assert len(builds) == 20


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("/orders/17", "/orders/18", True),
        ("/orders/17", "/orders/latest", False),
        ("/orders/17", "/orders/17?page=2", False),
        ("/orders/17?page=2&q=a", "/orders/9?q=b&page=3", True),
        ("/u/0b9c6f1e-5b0a-4f6e-9a55-2f1f3c1d7a10", "/u/f47ac10b-58cc-4372-a567-0e02b2c3d479", True),
        ("/a/b", "/a/b/", False),
        ("/" + "x" * 100_000, "/" + "y" * 100_000, True),
        ("/?" + "&".join(map(str, range(100_000))), "/?" + "&".join(map(str, range(100_001))), True),
    ],
)
def test_makes_of_requests_are_told_apart(one: str, other: str, *, alike: bool) -> None:
    assert (fingerprint_request(one, 200, 200) == fingerprint_request(other, 200, 200)) is alike
    assert (
        fingerprint_request(one, 200, 500) != fingerprint_request(one, 200, 200) != fingerprint_request(one, 200, None)
    )


SETTLED = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def group(*seen: tuple[str, int]) -> SignatureGains:
    """Return what one signature gained: builds, and seconds after it was settled."""
    found = [wrong("x", seq, build=build, at_ms=NOW_MS + s * 1000) for seq, (build, s) in enumerate(seen, 1)]
    (gained,) = aggregate_results(found).signatures.values()
    return gained


@pytest.mark.parametrize(
    ("state", "builds", "seen", "why"),
    [
        ("accepted", ["a"], [("a", 9)], ""),
        ("accepted", ["a"], [("", 9)], ""),
        ("accepted", [], [("", 9)], ""),
        ("accepted", ["a"], [("a", 9), ("b", -9)], "it appears under another build of the shadow: b"),
        ("accepted", [], [("a", 9)], "it appears under another build of the shadow: a"),
        ("resolved", ["a"], [("a", -9), ("b", -9)], ""),
        ("resolved", ["a"], [("a", 9)], "it appears again under the same build"),
        ("resolved", ["a"], [("a", 9), ("b", 9)], "it appears under another build of the shadow: b"),
        ("resolved", ["a"], [("a", 9), ("b", -9)], "it appears again under the same build"),
        ("resolved", ["a"], [("", 9)], "it appears again"),
    ],
)
def test_what_reopens_a_settled_signature(state: str, builds: list[str], seen: list[tuple[str, int]], why: str) -> None:
    assert explain_reopening(state, SETTLED, builds, group(*seen)) == why


def test_a_state_changes_once_and_its_history_stays(connection: Any, launch_name: str) -> None:
    write_batch(connection, launch_name, [wrong(launch_name, 1, build="a")], WriterCache())
    (signature,) = report_queries.read_signatures(connection, launch_name)
    for _ in range(2):
        (decision,) = decide_signatures(
            connection, launch_name, [signature.fingerprint, "none"], "accepted", actor="ann", reason="meant \0 so"
        )
    assert (decision.was, decision.now) == ("accepted", "accepted")
    write_batch(connection, launch_name, [wrong(launch_name, 2, build="b")], WriterCache())
    write_batch(connection, launch_name, [wrong(launch_name, 3, build="b")], WriterCache())
    history = connection.execute(
        "SELECT act, actor, reason, data->>'signature' FROM darklaunch.event WHERE launch = %s ORDER BY id",
        [launch_name],
    ).fetchall()
    assert history == [
        ("accepted", "ann", "meant \N{REPLACEMENT CHARACTER} so", signature.fingerprint),
        ("reopened", "the comparator", "it appears under another build of the shadow: b.", signature.fingerprint),
    ]
    (after,) = report_queries.read_signatures(connection, launch_name)
    assert (after.state, after.decided, after.builds, after.count) == ("open", "reopened", ["a", "b"], 3)
    with pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute("UPDATE darklaunch.event SET reason = '' WHERE launch = %s", [launch_name])


def test_a_decision_made_while_batches_come_in_is_neither_lost_nor_stops_them(
    own_postgres_dsn: str, launch_name: str
) -> None:
    with (
        connect_store(own_postgres_dsn, name="darklaunch-test") as one,
        connect_store(own_postgres_dsn, name="darklaunch-test") as other,
    ):
        prepare_connection(one)
        write_batch(one, launch_name, [wrong(launch_name, 1, build="a")], WriterCache())
        (signature,) = report_queries.read_signatures(one, launch_name)
        for seq in range(2, 12):
            decide_signatures(other, launch_name, [signature.fingerprint], "accepted", actor="ann", reason="meant")
            write_batch(one, launch_name, [wrong(launch_name, seq, build=f"b{seq}")], WriterCache())
        (signature,) = report_queries.read_signatures(other, launch_name)
    assert (signature.state, signature.count) == ("open", 11)
    assert signature.decided_at is not None and signature.decided_at < datetime.now(UTC) + timedelta(minutes=1)


def test_what_is_stored_is_masked_and_what_was_equal_still_is(connection: Any, launch_name: str) -> None:
    plain = exchange(launch_name, 1, body={"user": "ada", "password": "hunter2", "total": 1})
    request = Request("POST", "/login?token=t0ps3cret", "http://shop", (), b'{"pin": "4711x"}')
    captured = Exchange(plain.id, launch_name, plain.captured_at_ms, "POST /login", request, plain.primary)
    other = {"user": "bob", "password": "hunter2", "api_key": "k-123", "total": 1}
    write_batch(connection, launch_name, [finding(replayed(captured, body=other), launch_name)], WriterCache())
    (row,) = connection.execute(
        "SELECT s::text FROM darklaunch.sample AS s WHERE launch = %s", [launch_name]
    ).fetchone()
    bodies = connection.execute(
        "SELECT meta || request || response || shadow_meta || coalesce(shadow, '') FROM darklaunch.sample "
        "WHERE launch = %s",
        [launch_name],
    ).fetchone()
    for secret in ("hunter2", "t0ps3cret", "4711x", "k-123"):
        assert secret not in row and secret.encode() not in bodies[0]
    kept = report_queries.read_sample(connection, plain.id, launch_name)
    assert kept is not None
    again = finding({**pack_replay(pack_exchange(kept.replay.exchange), kept.replay.shadow)}, launch_name)
    assert [one["path"] for one in kept.differences] == ["$.api_key", "$.user"]
    assert again.problems[0].title == "$.api_key extra, $.user value"
    (salt,) = connection.execute("SELECT salt FROM darklaunch.salt").fetchone()
    assert len(salt) == 32


def test_without_a_salt_nothing_is_stored_and_the_server_is_blamed(own_postgres_dsn: str, launch_name: str) -> None:
    with connect_store(own_postgres_dsn, name="darklaunch-test") as connection:
        prepare_connection(connection)
        connection.execute("DELETE FROM darklaunch.salt")
        with pytest.raises(NoSalt, match=r"darklaunch\.salt") as lost:
            write_batch(connection, launch_name, [wrong(launch_name, 1)], WriterCache())
        assert classify_error(lost.value) is BatchFailure.SERVER
        assert report_queries.read_signatures(connection, launch_name) == []


def test_a_mask_rule_of_the_launch_reaches_what_is_stored(connection: Any, launch_name: str) -> None:
    masking = '{"mask": [{"path": "$.email"}, {"path": "query:who"}]}'
    rules = compile_launch_rules(LaunchSpec(shadow="http://shadow:8000", rules=masking))
    plain = exchange(launch_name, 1, body={"email": "ada@example.org", "n": 1})
    request = Request("GET", "/?who=ada@example.org", "http://shop", (), b"")
    captured = Exchange(plain.id, launch_name, plain.captured_at_ms, plain.endpoint, request, plain.primary)
    other = finding(replayed(captured, body={"email": "bob@example.org", "n": 1}), launch_name, rules)
    write_batch(connection, launch_name, [other], WriterCache())
    kept = report_queries.read_sample(connection, plain.id, launch_name)
    assert kept is not None and "example.org" not in repr((kept.replay, kept.differences))
    assert [one["path"] for one in kept.differences] == ["$.email"]

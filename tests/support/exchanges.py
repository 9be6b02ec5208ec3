"""What the comparator's tests are made of: exchanges with their replays, and the check that sums equal rows."""

import random
import time
from typing import Any

import orjson
from darklaunch_comparator.pipeline.assess import LaunchRules, assess_entry, compile_launch_rules
from darklaunch_comparator.results import histogram
from darklaunch_comparator.results.aggregate import shorten_reason
from darklaunch_comparator.results.result import ExchangeResult
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Exchange, Request, Response
from darklaunch_shared.wire.fields import Fields
from darklaunch_shared.wire.replay import (
    LatencySource,
    NoiseReplay,
    ReplayedVersion,
    ShadowError,
    ShadowErrorClass,
    ShadowResponse,
    UnreplayedExchange,
    pack_replay,
    pack_unreplayed,
)
from psycopg import Connection

from tests.support.pack_exchange import pack_exchange

PRODUCER = "abcd1234"
SPEC = LaunchSpec(shadow="http://shadow:8000")
RULES: LaunchRules = compile_launch_rules(SPEC)
NOW_MS = time.time_ns() // 1_000_000
DAY_MS = 86_400_000
JSON = (("content-type", "application/json"),)
OUTCOMES = ("matched", "mismatched", "ignored", "unverified", "shadow_error", "dropped", "dead")


def exchange(
    launch: str,
    seq: int,
    *,
    producer: str = PRODUCER,
    endpoint: str = "GET /orders/{id}",
    at_ms: int = NOW_MS,
    body: object = None,
    latency_ms: float = 5.0,
) -> Exchange:
    request = Request("GET", f"/orders/{seq}", "http://shop", (("accept", "*/*"),), b"")
    primary = Response(200, JSON, orjson.dumps(body or {"total": 1}), latency_ms)
    return Exchange(f"{producer}:{seq}", launch, at_ms, endpoint, request, primary)


def replayed(
    captured: Exchange, *, body: object = None, status: int = 200, latency_ms: float = 6.0, build: str = ""
) -> Fields:
    """Return a replay entry; without `body` the shadow answers the same bytes."""
    raw = captured.primary.body if body is None else orjson.dumps(body)
    answer = Response(status, JSON, raw, latency_ms)
    shadow = ShadowResponse(answer, LatencySource.CLIENT, 1, captured.captured_at_ms + 50, build)
    return pack_replay(pack_exchange(captured), shadow)


def asked_twice(
    captured: Exchange,
    *,
    body: object = None,
    again: object = None,
    version: ReplayedVersion = ReplayedVersion.PRIMARY,
    status: int = 200,
    again_status: int = 200,
    builds: tuple[str, str] = ("", ""),
) -> Fields:
    """Return a replay entry with a second answer, `again`; without it that version answers the same bytes again."""
    raw = captured.primary.body if body is None else orjson.dumps(body)
    at_ms = captured.captured_at_ms + 50
    shadow = ShadowResponse(Response(status, JSON, raw, 6.0), LatencySource.CLIENT, 1, at_ms, builds[0])
    first = captured.primary.body if version is ReplayedVersion.PRIMARY else raw
    second = Response(again_status, JSON, first if again is None else orjson.dumps(again), 6.0)
    repeat = NoiseReplay(version, ShadowResponse(second, LatencySource.CLIENT, 1, at_ms + 10, builds[1]))
    return pack_replay(pack_exchange(captured), shadow, repeat)


def not_answered_again(captured: Exchange) -> Fields:
    """Return a replay entry that matches, and whose control did not answer."""
    at_ms = captured.captured_at_ms + 50
    shadow = ShadowResponse(Response(200, JSON, captured.primary.body, 6.0), LatencySource.CLIENT, 1, at_ms)
    refused = ShadowError(ShadowErrorClass.REFUSED, "refused", 1, 1.0, at_ms)
    return pack_replay(pack_exchange(captured), shadow, NoiseReplay(ReplayedVersion.PRIMARY, refused))


def unanswered(
    captured: Exchange,
    error: ShadowErrorClass = ShadowErrorClass.TIMEOUT,
    *,
    waited_ms: float = 7000.0,
    build: str = "",
) -> Fields:
    shadow = ShadowError(error, "no outcome within 7 s", 1, waited_ms, captured.captured_at_ms + 50, build)
    return pack_replay(pack_exchange(captured), shadow)


def lost(captured: Exchange, outcome: str = "dropped", reason: str = "stale") -> Fields:
    return pack_unreplayed(
        UnreplayedExchange(captured.id, captured.launch, captured.captured_at_ms, captured.endpoint, outcome, reason)
    )


def finding(fields: Fields, launch: str, rules: LaunchRules = RULES) -> ExchangeResult:
    return assess_entry(launch, fields, rules)


def some_findings(launch: str, count: int, *, seed: int = 1, producer: str = PRODUCER) -> list[ExchangeResult]:
    """Return findings of every kind, over several endpoints and a minute."""
    chance = random.Random(seed)
    found: list[ExchangeResult] = []
    for seq in range(1, count + 1):
        captured = exchange(
            launch,
            seq,
            producer=producer,
            endpoint=f"GET /e{chance.randrange(4)}",
            at_ms=NOW_MS - chance.randrange(60_000),
            latency_ms=chance.lognormvariate(2, 1),
        )
        shadow_ms = chance.lognormvariate(2, 1)
        entries = (
            replayed(captured, latency_ms=shadow_ms),
            replayed(captured, latency_ms=shadow_ms),
            replayed(captured, body={"total": 2}, latency_ms=shadow_ms),
            replayed(captured, body={"error": "x"}, status=500, latency_ms=shadow_ms),
            unanswered(captured),
            lost(captured),
            lost(captured, "dead", "dead"),
        )
        found.append(finding(chance.choice(entries), launch))
    return found


def assert_sums_equal_rows(connection: Connection[Any], launch: str) -> None:
    """Compute every rolling statistic again from the rows, and compare."""
    rows = connection.execute(
        "SELECT exchange_id, endpoint, (extract(epoch FROM captured_at) * 1000)::bigint, outcome, reason, signature, "
        "primary_ms, shadow_ms, shadow_status, slow FROM darklaunch.result WHERE launch = %s",
        [launch],
    ).fetchall()
    tally: dict[tuple[str, str], int] = {}
    producers: dict[str, int] = {}
    signatures: dict[str, int] = {}
    slow_answers = 0
    buckets: dict[tuple[str, int], dict[str, Any]] = {}
    for identity, endpoint, at_ms, outcome, reason, signature, primary_ms, shadow_ms, status, slow in rows:
        counted = (outcome, shorten_reason(outcome, reason))
        tally[counted] = tally.get(counted, 0) + 1
        producers[identity.partition(":")[0]] = producers.get(identity.partition(":")[0], 0) + 1
        slow_answers += slow and status is not None
        if outcome in ("mismatched", "shadow_error"):
            signatures[signature] = signatures.get(signature, 0) + 1
        bucket = buckets.setdefault(
            (endpoint, at_ms // 10_000 * 10_000), {"slow": 0, "primary": {}, "shadow": {}, "difference": {}}
        )
        bucket[outcome] = bucket.get(outcome, 0) + 1
        bucket["slow"] += slow
        if status is not None:
            histogram.count_value(bucket["primary"], primary_ms)
            histogram.count_value(bucket["shadow"], shadow_ms)
            histogram.count_value(bucket["difference"], shadow_ms - primary_ms)
    stored = connection.execute(
        "SELECT outcome, reason, count FROM darklaunch.tally WHERE launch = %s AND count <> 0", [launch]
    )
    assert {(outcome, reason): count for outcome, reason, count in stored} == tally
    stored = connection.execute(
        "SELECT producer, recorded FROM darklaunch.producer WHERE launch = %s AND recorded <> 0", [launch]
    )
    assert dict(stored.fetchall()) == producers
    stored = connection.execute(
        "SELECT fingerprint, count FROM darklaunch.signature WHERE launch = %s AND outcome <> 'slow'", [launch]
    )
    assert dict(stored.fetchall()) == signatures
    stored = connection.execute(
        "SELECT coalesce(sum(count), 0)::int FROM darklaunch.signature WHERE launch = %s AND outcome = 'slow'", [launch]
    )
    assert stored.fetchone() == (slow_answers,)
    assert read_buckets(connection, launch) == {
        key: {**dict.fromkeys(OUTCOMES, 0), **bucket} for key, bucket in buckets.items()
    }


def read_buckets(connection: Connection[Any], launch: str) -> dict[tuple[str, int], dict[str, Any]]:
    """Read the buckets that are not all zero, histograms as dictionaries."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in connection.execute(
        f"SELECT endpoint, (extract(epoch FROM started_at) * 1000)::bigint, {', '.join(OUTCOMES)}, slow, primary_keys, "
        "primary_counts, shadow_keys, shadow_counts, difference_keys, difference_counts FROM darklaunch.bucket "
        "WHERE launch = %s",
        [launch],
    ):
        counts = dict(zip((*OUTCOMES, "slow"), row[2:10], strict=True))
        for side, at in (("primary", 10), ("shadow", 12), ("difference", 14)):
            entries = zip(row[at], row[at + 1], strict=True)
            counts[side] = histogram.merge_histograms({key: count} for key, count in entries)
        if any(counts.values()):
            found[row[0], row[1]] = counts
    return found

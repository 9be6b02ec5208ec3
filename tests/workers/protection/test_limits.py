"""The state machines that protect a shadow, under any history."""

from darklaunch_shared.wire.replay import ShadowErrorClass
from darklaunch_workers.protection.limits import (  # fmt: skip
    LEAST_LIMIT,
    OUTAGE_FAILURES,
    PROBE_EVERY_S,
    AdaptiveLimit,
    CircuitBreaker,
    RetryBudget,
    ShadowProtection,
    TokenBucket,
)
from hypothesis import example, given
from hypothesis import strategies as st

seconds = st.floats(min_value=0, max_value=30, allow_nan=False)


@example(ceiling=1, steps=[(True, 0.0, 1)])
@given(
    ceiling=st.integers(1, 200),
    steps=st.lists(st.tuples(st.booleans(), seconds, st.integers(0, 200)), max_size=200),
)
def test_the_limit_stays_between_two_and_its_ceiling(ceiling: int, steps: list[tuple[bool, float, int]]) -> None:
    limit, now_s = AdaptiveLimit(ceiling), 0.0
    for good, later_s, under_way in steps:
        started_s, now_s = now_s, now_s + later_s
        if good:
            limit.record_success(under_way)
        else:
            limit.record_congestion(started_s, now_s)
        assert min(LEAST_LIMIT, ceiling) <= limit.limit <= ceiling


def test_replays_that_failed_together_halve_the_limit_once() -> None:
    limit = AdaptiveLimit(64, start=32)
    for _ in range(32):
        limit.record_congestion(started_s=1.0, now_s=2.0)
    assert limit.limit == 16
    limit.record_congestion(started_s=2.5, now_s=3.0)
    assert limit.limit == 8


def test_a_limit_grows_fast_first_slowly_after_a_cut_and_never_unused() -> None:
    limit = AdaptiveLimit(64, start=8)
    for _ in range(8):
        limit.record_success(under_way=8)
    assert limit.limit == 16
    limit.record_congestion(0.0, 1.0)
    for _ in range(8):
        limit.record_success(under_way=8)
    assert limit.limit == 8
    for _ in range(2):
        limit.record_success(under_way=8)
    assert limit.limit == 9
    for _ in range(1000):
        limit.record_success(under_way=1)
    assert limit.limit == 9


@given(per_s=st.floats(0.1, 500), gaps=st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_no_second_sees_more_sends_than_the_rate_and_its_burst(per_s: float, gaps: list[float]) -> None:
    bucket, now_s, sends = TokenBucket(per_s, 0.0), 0.0, list[float]()
    for gap_s in gaps:
        now_s += gap_s
        sends.append(now_s + bucket.take(now_s))
    assert sends == sorted(sends)
    for at, first_s in enumerate(sends):
        within = sum(first_s <= later_s < first_s + 1 for later_s in sends[at:])
        assert within <= per_s + max(1.0, per_s / 10) + 1e-6 + 1


@given(per_s=st.floats(0.1, 500), asked=st.integers(1, 300))
def test_who_finds_room_waits_about_a_second_at_most(per_s: float, asked: int) -> None:
    bucket = TokenBucket(per_s, 0.0)
    for _ in range(asked):
        if bucket.room(0.0) < 1:
            break
        assert bucket.take(0.0) <= max(1.0, 1 / per_s) + 1e-6


def test_what_was_not_sent_is_not_made_up_for() -> None:
    bucket = TokenBucket(10, 0.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.1, 0.2]


def test_no_rate_never_waits() -> None:
    bucket = TokenBucket(0, 0.0)
    assert bucket.room(0.0) == float("inf")
    assert all(bucket.take(0.0) == 0 for _ in range(1000))


@given(st.lists(st.booleans(), max_size=500))
def test_retries_never_exceed_a_tenth_of_first_tries(history: list[bool]) -> None:
    budget, firsts, retries = RetryBudget(), 0, 0
    for is_first in history:
        if is_first:
            budget.record_first_try()
            firsts += 1
        else:
            retries += budget.take()
        assert retries * 10 <= firsts


@given(st.lists(st.tuples(st.sampled_from(["fail", "answer", "look"]), st.floats(0, 3)), max_size=200))
@example([*[("fail", 0.0)] * OUTAGE_FAILURES, ("look", PROBE_EVERY_S), ("fail", 0.0), ("look", 0.5)])
def test_an_open_breaker_lets_one_probe_out_a_second(history: list[tuple[str, float]]) -> None:
    breaker, now_s, in_a_row, failed_at_s = CircuitBreaker(), 0.0, 0, float("-inf")
    for event, later_s in history:
        now_s += later_s
        if event == "fail":
            breaker.record_failure(now_s)
            in_a_row, failed_at_s = in_a_row + 1, now_s
        elif event == "answer":
            breaker.record_response()
            in_a_row = 0
        elif breaker.probe_due(now_s):
            assert in_a_row >= OUTAGE_FAILURES
            assert now_s - failed_at_s >= PROBE_EVERY_S
            breaker.begin_probe()
            assert not breaker.probe_due(now_s + 100)
            breaker.end_probe()
        assert breaker.closed == (in_a_row < OUTAGE_FAILURES)


def test_an_error_status_is_congestion_at_most_and_never_an_outage() -> None:
    protection = ShadowProtection(concurrency=64, max_rps=0, now_s=0.0)
    for at_s in range(1, 20):
        protection.record_try(503, "GET /", started_s=at_s, now_s=at_s + 0.5, under_way=1)
        protection.record_try(500, "GET /", started_s=at_s, now_s=at_s + 0.5, under_way=1)
    assert protection.limit.limit < 8
    assert protection.breaker.closed


def test_a_forbidden_address_teaches_nothing() -> None:
    protection = ShadowProtection(concurrency=64, max_rps=0, now_s=0.0)
    for _ in range(OUTAGE_FAILURES):
        protection.record_try(ShadowErrorClass.REFUSED, "GET /", started_s=0.0, now_s=1.0, under_way=1)
    protection.record_try(ShadowErrorClass.FORBIDDEN, "GET /", started_s=1.0, now_s=2.0, under_way=1)
    assert not protection.breaker.closed
    protection.record_try(ShadowErrorClass.TOO_LARGE, "GET /", started_s=2.0, now_s=3.0, under_way=1)
    assert protection.breaker.closed


def test_workers_share_the_rate_and_the_probes() -> None:
    protection = ShadowProtection(concurrency=64, max_rps=100, now_s=0.0)
    protection.share_among(4, 0.0)
    assert protection.bucket.room(0.0) == 25
    for _ in range(OUTAGE_FAILURES):
        protection.record_try(ShadowErrorClass.RESET, "GET /", started_s=0.0, now_s=0.0, under_way=1)
    assert not protection.breaker.probe_due(3.9 * PROBE_EVERY_S)
    assert protection.breaker.probe_due(4 * PROBE_EVERY_S)

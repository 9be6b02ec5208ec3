"""What a batch adds to the statistics: each exchange once, and the same sums in any order."""

from __future__ import annotations

import random
from typing import Any

import pytest
from darklaunch_comparator.compare import NoiseAspect, NoiseKey
from darklaunch_comparator.results.aggregate import (
    BUCKET_MS,
    ReplacedRow,
    aggregate_results,
    bucket_start_ms,
    shorten_reason,
)
from darklaunch_comparator.results.result import ExchangeResult, NoiseObservation, ResultProblem
from darklaunch_shared.wire.replay import ReplayedVersion

AT_MS = 1_763_900_000_000
TOTAL: NoiseKey = ("$.total", NoiseAspect.VALUE)


def make_problem(fingerprint: str = "f1", shape: str = "s1") -> ResultProblem:
    return ResultProblem("mismatched", fingerprint, "$.total value", "[]", "[]", 0, shape, {})


def make_result(number: int, *, outcome: str = "matched", **more: Any) -> ExchangeResult:
    timed: dict[str, Any] = (
        {"primary_ms": 10.0, "shadow_ms": 12.0, "shadow_status": 200} if outcome == "matched" else {}
    )
    return ExchangeResult(f"p1:{number}", AT_MS + number, "GET /", "GET", outcome, **{**timed, **more})


def test_an_exchange_counts_in_its_bucket_its_tally_and_for_its_producer() -> None:
    late = make_result(BUCKET_MS, outcome="dropped", reason="stale")
    gains = aggregate_results([make_result(1), make_result(2, slow=True), late])
    first, second = gains.buckets["GET /", AT_MS], gains.buckets["GET /", AT_MS + BUCKET_MS]
    assert (first.outcomes, first.slow, second.outcomes) == ({"matched": 2}, 1, {"dropped": 1})
    assert [sum(each.values()) for each in (first.primary, first.shadow, first.difference)] == [2, 2, 2]
    assert gains.tally == {("matched", ""): 2, ("dropped", "stale"): 1}
    assert gains.producers == {"p1": 3}


@pytest.mark.parametrize("missing", ["primary_ms", "shadow_ms", "shadow_status"])
def test_latencies_count_only_where_both_sides_responded(missing: str) -> None:
    unknown: dict[str, Any] = {missing: None}
    gains = aggregate_results([make_result(1, **unknown)])
    bucket = gains.buckets["GET /", AT_MS]
    assert not bucket.primary and not bucket.shadow and not bucket.difference


def test_a_row_that_is_replaced_is_taken_back() -> None:
    replaced = ReplacedRow("p1:1", AT_MS + 1, "?", "dead", "dead")
    gains = aggregate_results([make_result(1)], [replaced])
    assert gains.tally == {("matched", ""): 1, ("dead", "dead"): -1}
    assert gains.producers == {"p1": 0}
    assert gains.buckets["?", AT_MS].outcomes == {"dead": -1}


def test_a_signature_keeps_its_first_and_latest_exchange_of_each_build_and_shape_in_any_order() -> None:
    problems = [make_problem(), make_problem(shape="s2")]
    results = [
        make_result(number, outcome="mismatched", build=f"v{number % 2}", problems=(problems[number % 2],))
        for number in range(1, 10)
    ]
    for seed in range(5):
        random.Random(seed).shuffle(results)
        signature = aggregate_results(results).signatures["f1"]
        assert signature.count == 9
        assert (signature.first.result.exchange_id, signature.latest.result.exchange_id) == ("p1:1", "p1:9")
        assert {build: each.result.exchange_id for build, each in signature.builds.items()} == {
            "v0": "p1:8",
            "v1": "p1:9",
        }
        assert {shape: (each.count, each.latest.result.exchange_id) for shape, each in signature.shapes.items()} == {
            "s1": (4, "p1:8"),
            "s2": (5, "p1:9"),
        }


def test_excuses_are_summed_by_endpoint_place_and_reason() -> None:
    excused = [make_result(number, excuses=(("$.at", "clock", 2), ("$.id", "identifier", 1))) for number in (1, 2)]
    assert aggregate_results(excused).excuses == {("GET /", "$.at", "clock"): 4, ("GET /", "$.id", "identifier"): 2}


def test_which_way_a_number_differs_counts_only_where_one_side_is_the_odd_one() -> None:
    places = frozenset({TOTAL})
    odd = NoiseObservation(ReplayedVersion.PRIMARY, shadow_odd=places, rising=places, far=places)
    unclear = NoiseObservation(ReplayedVersion.PRIMARY, all_differ=places, rising=places)
    unanswered = NoiseObservation(ReplayedVersion.PRIMARY, answered=False)
    observed = [make_result(at, observation=each) for at, each in enumerate((odd, unclear, unanswered))]
    noise = aggregate_results(observed).noise["GET /", ReplayedVersion.PRIMARY]
    assert (noise.pairs, noise.unanswered) == (2, 1)
    place = noise.places[TOTAL]
    assert (place.shadow_odd, place.all_differ, place.rising, place.far_rising, place.falling) == (1, 1, 1, 1, 0)


@pytest.mark.parametrize(
    ("outcome", "reason", "word"),
    [
        ("matched", None, ""),
        ("dropped", "stale", "stale"),
        ("shadow_error", "x" * 100, "x" * 40),
        ("unverified", "comparison_off", "comparison_off"),
        ("unverified", "comparator error: ValueError at line 3", "comparator error"),
        ("unverified", "the body is not JSON at byte 17", "not_comparable"),
    ],
)
def test_reasons_are_tallied_by_one_word_whatever_their_details(outcome: str, reason: str | None, word: str) -> None:
    assert shorten_reason(outcome, reason) == word


def test_a_bucket_starts_every_ten_seconds() -> None:
    assert [bucket_start_ms(at) for at in (0, 9_999, 10_000, 25_001)] == [0, 0, 10_000, 20_000]

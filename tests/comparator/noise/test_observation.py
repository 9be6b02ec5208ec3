"""What a second answer shows, place by place, and how what is known of noise changes a comparison."""

from dataclasses import astuple
from typing import Any

import orjson
import pytest
from darklaunch_comparator.compare import (
    ComparedResponse,
    ExcuseReason,
    KnownNoise,
    compare,
    find_identifier_places,
    noise_may_excuse,
)
from darklaunch_comparator.noise.learning import NoiseState, PlaceCounts, classify_place
from darklaunch_comparator.pipeline.assess import LaunchRules, assess_entry, compile_launch_rules
from darklaunch_comparator.results.aggregate import NoisePlaceGains, aggregate_results
from darklaunch_comparator.results.result import ExchangeResult, NoiseObservation
from darklaunch_shared.launch.spec import LaunchSpec
from darklaunch_shared.wire.exchange import Response
from darklaunch_shared.wire.replay import ReplayedVersion
from hypothesis import given
from hypothesis import strategies as st

from tests.support.exchanges import JSON, NOW_MS, RULES, asked_twice, exchange, not_answered_again, replayed

ONE, TWO, THREE = (f"0f8fad5b-d9cb-469f-a165-7086772895{n}a" for n in (1, 2, 3))
ENDPOINT = "GET /orders/{id}"


def seen(primary: object, shadow: object, again: object, rules: LaunchRules = RULES, **more: Any) -> NoiseObservation:
    captured = exchange("x", 1, body=primary)
    observation = assess_entry("x", asked_twice(captured, body=shadow, again=again, **more), rules).observation
    assert observation is not None
    return observation


def judged(primary: object, shadow: object, **noise: set[str]) -> ExchangeResult:
    known = KnownNoise(**{name: frozenset(places) for name, places in noise.items()})
    return assess_entry("x", replayed(exchange("x", 1, body=primary), body=shadow), RULES, {ENDPOINT: known})


def test_each_place_is_told_apart_by_how_one_version_differs_from_itself() -> None:
    primary = {"a": 1, "b": 2, "id": ONE, "owner": TWO, "gone": 1, "list": [1, 2]}
    control = {"a": 7, "b": 2, "id": TWO, "owner": TWO, "list": [2, 1]}
    shadow = {"a": 1, "b": 3, "id": THREE, "owner": ONE, "gone": 1, "list": [1, 2]}
    assert seen(primary, shadow, control) == NoiseObservation(
        ReplayedVersion.PRIMARY,
        varied=frozenset(["$.a", "$.list"]),
        regenerated=frozenset(["$.id"]),
        unstable=frozenset(["$.gone"]),
        agreed=frozenset(["$.owner"]),
        candidate=frozenset(["$.b", "$.id", "$.owner"]),
    )


def test_a_place_with_new_identifiers_and_other_values_is_one_that_varied() -> None:
    primary = {"l": [{"t": ONE}, {"t": "a"}]}
    observed = seen(primary, primary, {"l": [{"t": TWO}, {"t": "b"}]})
    assert (observed.varied, observed.regenerated) == (frozenset(["$.l[*].t"]), frozenset())


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"a": ONE, "b": f"/orders/{TWO}", "c": "an ordinary sentence of words", "d": 5, "e": "short"}, {"$.a", "$.b"}),
        ({"at": "2026-05-01T12:00:00.123456Z", "n": "1234567890"}, set()),
        ([{"id": ONE, "of": [TWO]}], {"$[*].id", "$[*].of[*]"}),
        ({"by": {ONE: {"token": TWO}}}, {"$.by[*].token"}),
        ({"n": [[[{"deep": [{"x": ONE}]}]]]}, {"$.n[*][*][*].deep[*].x"}),
        ([], set()),
    ],
)
def test_identifiers_are_found_where_they_are(body: object, found: set[str]) -> None:
    assert find_identifier_places(Response(200, JSON, orjson.dumps(body), 1.0)) == found


@pytest.mark.parametrize(
    "body", [b"", b"{", b'"\xff"', b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"x" * 300_000]
)
def test_no_body_keeps_the_search_for_identifiers_busy(body: bytes) -> None:
    assert find_identifier_places(Response(200, JSON, body, 1.0)) == frozenset()
    zipped = (*JSON, ("content-encoding", "gzip"))
    assert find_identifier_places(Response(200, zipped, body, 1.0)) == frozenset()


def test_the_shadow_is_compared_with_itself_where_it_was_asked_twice() -> None:
    observed = seen({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 3, "b": 2}, version=ReplayedVersion.SHADOW)
    assert (observed.version, observed.varied) == (ReplayedVersion.SHADOW, frozenset(["$.a"]))
    assert observed.candidate == {"$.a", "$.b"}


def test_what_moves_with_the_clock_or_holds_the_own_origin_is_no_noise() -> None:
    rules = compile_launch_rules(LaunchSpec("http://shadow:8000", control="http://control:1"))
    observed = seen(
        {"self": "http://shop/orders/1"}, {"self": "http://shadow:8000/orders/1"}, {"self": "http://control:1/orders/1"},
        rules,
    )  # fmt: skip
    assert observed.places == frozenset()


def test_what_a_rule_excuses_is_neither_noise_nor_a_difference() -> None:
    rules = compile_launch_rules(LaunchSpec("http://shadow:8000", rules='{"ignore":[{"path":"$.a"}]}'))
    assert seen({"a": 1}, {"a": 2}, {"a": 3}, rules).places == frozenset()


def test_of_two_statuses_only_that_is_told() -> None:
    observed = seen({"a": ONE}, {"error": "x"}, {"a": TWO}, status=500)
    assert observed == NoiseObservation(
        ReplayedVersion.PRIMARY, regenerated=frozenset(["$.a"]), candidate=frozenset(["status"]), paired=False
    )
    gained = aggregate_results(
        [ExchangeResult("p:1", NOW_MS, "GET /", "GET", "mismatched", observation=observed)]
    ).noise
    assert gained["GET /", ReplayedVersion.PRIMARY].places["$.a"] == NoisePlaceGains(regenerated=1)
    assert gained["GET /", ReplayedVersion.PRIMARY].places["status"] == NoisePlaceGains(candidate=1, pos=1)
    observed = seen({"a": ONE}, {"a": ONE}, {"error": "x"}, again_status=500)
    assert observed == NoiseObservation(ReplayedVersion.PRIMARY, unstable=frozenset(["status"]))


def test_a_second_answer_of_another_build_tells_nothing() -> None:
    entry = asked_twice(exchange("x", 1), again={"other": 1}, version=ReplayedVersion.SHADOW, builds=("v1", "v2"))
    assert assess_entry("x", entry, RULES).observation is None


@pytest.mark.parametrize("again", [{"total": 2}, {"total": "1"}, {}, None])
def test_a_second_answer_changes_nothing_about_the_first(again: object) -> None:
    captured = exchange("x", 1)
    plain = assess_entry("x", replayed(captured, body={"total": 5}), RULES)
    twice = assess_entry("x", asked_twice(captured, body={"total": 5}, again=again), RULES)
    assert (twice.outcome, twice.reason, twice.excuses) == (plain.outcome, plain.reason, plain.excuses)
    assert [each.fingerprint for each in twice.problems] == [each.fingerprint for each in plain.problems]
    assert assess_entry("x", not_answered_again(captured), RULES).observation == NoiseObservation(
        ReplayedVersion.PRIMARY, answered=False
    )


def test_a_volatile_value_is_excused_and_counted_as_noise() -> None:
    found = judged({"n": 1, "m": 1}, {"n": 2, "m": 1}, volatile={"$.n"})
    assert (found.outcome, found.excuses) == ("matched", (("$.n", "noise", 1),))
    assert judged({"n": 1, "m": 1}, {"n": 2, "m": 2}, volatile={"$.n"}).outcome == "mismatched"
    assert judged({"l": [1, 2, 3]}, {"l": [3, 1, 2]}, volatile={"$.l"}).outcome == "matched"


@pytest.mark.parametrize("shadow", [{}, {"n": "2"}, {"n": None}, {"n": [1]}, {"n": {}}, {"n": 1, "o": 1}])
def test_presence_and_type_are_reported_at_a_volatile_place(shadow: object) -> None:
    assert judged({"n": 1}, shadow, volatile={"$.n"}).outcome == "mismatched"


def test_a_format_is_reported_at_a_volatile_place() -> None:
    found = judged({"at": "2023-01-01T00:00:00Z"}, {"at": "Sun, 01 Jan 2023 00:00:00 GMT"}, volatile={"$.at"})
    assert found.outcome == "mismatched"
    assert judged({"l": [1, 2]}, {"l": [1]}, volatile={"$.l", "$.l[*]"}).outcome == "mismatched"


def test_an_identifier_is_excused_by_shape_until_it_is_known_to_stay() -> None:
    assert judged({"owner": ONE}, {"owner": TWO}).outcome == "matched"
    assert judged({"owner": ONE}, {"owner": TWO}, identical={"$.owner"}).outcome == "mismatched"
    assert judged({"o": [{"owner": ONE}]}, {"o": [{"owner": TWO}]}, identical={"$.o[*].owner"}).outcome == "mismatched"
    assert judged({"owner": ONE, "id": ONE}, {"owner": ONE, "id": TWO}, identical={"$.owner"}).outcome == "matched"
    assert judged({"u": f"/o/{ONE}"}, {"u": f"/o/{TWO}"}, identical={"$.u"}).outcome == "mismatched"


scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", ONE, TWO, "2023-01-01"]))
documents = st.recursive(
    scalars,
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(st.sampled_from("abcd"), parts, max_size=3)),
    max_leaves=8,
)


@given(documents, documents)
def test_whatever_is_noise_presence_type_and_size_stay_reported(primary: object, shadow: object) -> None:
    theirs, ours = (
        ComparedResponse(Response(200, JSON, orjson.dumps(body), 1.0), "", NOW_MS) for body in (primary, shadow)
    )
    before = compare("GET", theirs, ours)
    everywhere = KnownNoise(frozenset([each.group_path for each in before.differences]))
    after = compare("GET", theirs, ours, noise=everywhere)
    kept = tuple(each for each in before.differences if not noise_may_excuse(each.group_path, each.kind))
    assert after.differences == kept
    if len(kept) < len(before.differences):
        assert any(excuse.reason is ExcuseReason.NOISE for excuse in after.excuses)


places = st.frozensets(st.sampled_from(["$.a", "$.b", "status", "header:location"]))
observations = st.builds(
    lambda varied, regenerated, agreed, **more: NoiseObservation(
        varied=varied, regenerated=regenerated - varied, agreed=agreed - varied - regenerated, **more
    ),
    varied=places,
    regenerated=places,
    agreed=places,
    version=st.sampled_from(ReplayedVersion),
    answered=st.booleans(),
    unstable=places,
    candidate=places,
)


def observed(number: int, observation: NoiseObservation) -> ExchangeResult:
    return ExchangeResult(f"p:{number}", NOW_MS, f"GET /{number % 2}", "GET", "matched", observation=observation)


@given(st.lists(observations, max_size=40), st.randoms(use_true_random=False), st.integers(0, 40))
def test_what_is_learned_depends_on_no_order_and_on_no_split_into_batches(
    seen: list[NoiseObservation], chance: Any, split: int
) -> None:
    findings = [observed(number, each) for number, each in enumerate(seen)]
    shuffled = list(findings)
    chance.shuffle(shuffled)
    whole, one, other = (aggregate_results(part).noise for part in (findings, shuffled[:split], shuffled[split:]))
    for (endpoint, version), gained in whole.items():
        halves = (one[endpoint, version], other[endpoint, version])
        pairs = sum(half.pairs for half in halves)
        assert (pairs, sum(half.unanswered for half in halves)) == (gained.pairs, gained.unanswered)
        for path, place in gained.places.items():
            added = NoisePlaceGains(
                *(sum(counts) for counts in zip(*(astuple(h.places[path]) for h in halves), strict=True))
            )
            assert added == place
            counts = PlaceCounts(pairs, added.varied, added.regenerated, added.agreed, added.pos, added.neg)
            assert place.pos + place.neg <= pairs
            assert isinstance(classify_place(version, counts), NoiseState)

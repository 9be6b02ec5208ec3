"""What a second answer shows, place by place, and how what is known of noise changes a comparison."""

from dataclasses import asdict, astuple
from typing import Any

import orjson
import pytest
from darklaunch_comparator.compare import (
    ComparedResponse,
    ExcuseReason,
    KnownNoise,
    NoiseAspect,
    NoiseKey,
    compare,
    find_identifier_places,
    make_noise_key,
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


def values(*paths: str) -> frozenset[NoiseKey]:
    return frozenset((path, NoiseAspect.VALUE) for path in paths)


def judged(
    primary: object, shadow: object, *, volatile: frozenset[NoiseKey] = frozenset(), **noise: set[str]
) -> ExchangeResult:
    known = KnownNoise(volatile, **{name: frozenset(places) for name, places in noise.items()})
    return assess_entry("x", replayed(exchange("x", 1, body=primary), body=shadow), RULES, {ENDPOINT: known})


def test_where_two_of_three_responses_agree_the_third_is_the_odd_one() -> None:
    primary = {"a": 1, "b": 2, "id": ONE, "owner": TWO, "gone": 1, "list": [1, 2], "e": 1, "ms": 3.5}
    control = {"a": 7, "b": 2, "id": TWO, "owner": TWO, "list": [2, 1], "e": 5, "ms": 4.5}
    shadow = {"a": 1, "b": 3, "id": THREE, "owner": ONE, "gone": 1, "list": [1, 2], "e": 5, "ms": 40.5}
    assert seen(primary, shadow, control) == NoiseObservation(
        ReplayedVersion.PRIMARY,
        primary_odd=values("$.e"),
        shadow_odd=values("$.b", "$.owner"),
        again_odd=values("$.a", "$.list") | {("$.gone", NoiseAspect.PRESENCE)},
        all_differ=values("$.ms"),
        regenerated=values("$.id"),
        agreed=values("$.owner"),
        rising=values("$.b", "$.e", "$.ms"),
        far=values("$.ms"),
    )


@pytest.mark.parametrize("version", ReplayedVersion)
def test_one_response_of_another_shape_is_the_odd_one_among_identifiers_that_are_new_each_time(
    version: ReplayedVersion,
) -> None:
    ids = [{"id": ONE}, {"id": TWO}, {"id": THREE}]
    assert seen(ids[0], ids[1], ids[2], version=version).regenerated == values("$.id")
    constant = {"id": "0"}
    for position, name in enumerate(["primary_odd", "shadow_odd", "again_odd"]):
        primary, shadow, again = (constant if each == position else ids[each] for each in range(3))
        observed = seen(primary, shadow, again, version=version)
        assert getattr(observed, name) == observed.places == values("$.id"), (position, observed)


def test_an_identifier_of_each_process_is_never_held_against_the_same_code() -> None:
    """The shadow repeats the one that it drew when it started, the primary another one: without a baseline."""
    observed = seen(
        {"boot": ONE, "order": THREE}, {"boot": TWO, "order": THREE}, {"boot": TWO, "order": THREE},
        version=ReplayedVersion.SHADOW,
    )  # fmt: skip
    assert observed.places == observed.agreed == values("$.order")


def test_an_identifier_that_both_versions_share_is_known_to_stay_without_a_baseline() -> None:
    observed = seen({"order": ONE}, {"order": ONE}, {"order": ONE}, version=ReplayedVersion.SHADOW)
    assert observed.agreed == values("$.order")
    counts = PlaceCounts(agreed=20)
    assert classify_place(ReplayedVersion.SHADOW, counts) is NoiseState.STABLE
    assert judged({"order": ONE}, {"order": TWO}, identical={"$.order"}).outcome == "mismatched"


@pytest.mark.parametrize(
    ("primary", "shadow", "again", "aspect"),
    [
        ({"a": 1}, {}, {}, "presence"),
        ({"l": [1, 2]}, {"l": [1]}, {"l": [1]}, "size"),
        ({"a": 1}, {"a": "1"}, {"a": "1"}, "type"),
        ({"l": [1, 2]}, {"l": [2, 1]}, {"l": [2, 1]}, "value"),
    ],
)
def test_noise_is_counted_in_the_respect_in_which_responses_differ(
    primary: object, shadow: object, again: object, aspect: str
) -> None:
    observed = seen(primary, shadow, again, version=ReplayedVersion.SHADOW)
    assert {each for _, each in observed.primary_odd} == {aspect}
    assert not observed.shadow_odd | observed.again_odd | observed.all_differ


def test_a_place_with_new_identifiers_and_other_values_is_one_that_varied() -> None:
    primary = {"l": [{"t": ONE}, {"t": "a"}]}
    observed = seen(primary, primary, {"l": [{"t": TWO}, {"t": "b"}]})
    assert (observed.again_odd, observed.regenerated) == (values("$.l[*].t"), frozenset())


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
    assert (observed.version, observed.all_differ) == (ReplayedVersion.SHADOW, values("$.a"))
    assert observed.primary_odd == values("$.b")


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
    status = frozenset([("status", NoiseAspect.STATUS)])
    observed = seen({"a": ONE}, {"error": "x"}, {"a": TWO}, status=500)
    assert observed == NoiseObservation(ReplayedVersion.PRIMARY, shadow_odd=status, rising=status)
    observed = seen({"a": ONE}, {"a": ONE}, {"error": "x"}, again_status=500)
    assert observed == NoiseObservation(ReplayedVersion.PRIMARY, again_odd=status)


def test_known_noise_does_not_hide_what_is_counted() -> None:
    captured = exchange("x", 1, body={"n": 1.5})
    entry = asked_twice(captured, body={"n": 99.5}, again={"n": 2.5}, version=ReplayedVersion.SHADOW)
    found = assess_entry("x", entry, RULES, {ENDPOINT: KnownNoise(values("$.n"))})
    assert found.outcome == "matched"
    assert found.observation is not None
    assert (found.observation.all_differ, found.observation.far) == (values("$.n"), values("$.n"))


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
    found = judged({"n": 1, "m": 1}, {"n": 2, "m": 1}, volatile=values("$.n"))
    assert (found.outcome, found.excuses) == ("matched", (("$.n", "noise", 1),))
    assert judged({"n": 1, "m": 1}, {"n": 2, "m": 2}, volatile=values("$.n")).outcome == "mismatched"
    assert judged({"l": [1, 2, 3]}, {"l": [3, 1, 2]}, volatile=values("$.l")).outcome == "matched"


@pytest.mark.parametrize("shadow", [{}, {"n": "2"}, {"n": None}, {"n": [1]}, {"n": {}}, {"n": 1, "o": 1}])
def test_presence_and_type_are_reported_at_a_volatile_place(shadow: object) -> None:
    assert judged({"n": 1}, shadow, volatile=values("$.n")).outcome == "mismatched"


def test_a_format_is_reported_at_a_volatile_place() -> None:
    found = judged({"at": "2023-01-01T00:00:00Z"}, {"at": "Sun, 01 Jan 2023 00:00:00 GMT"}, volatile=values("$.at"))
    assert found.outcome == "mismatched"
    assert judged({"l": [1, 2]}, {"l": [1]}, volatile=values("$.l", "$.l[*]")).outcome == "mismatched"


def test_another_size_is_excused_where_it_is_noise_and_so_is_what_stands_in_the_array() -> None:
    size = frozenset([("$.l", NoiseAspect.SIZE)])
    assert judged({"l": [1, 2]}, {"l": [1]}, volatile=size).excuses == (("$.l", "noise", 1),)
    assert judged({"l": [{"a": 1}]}, {"l": [{"b": 1}]}, volatile=size).outcome == "matched"
    assert judged({"l": [1], "m": [1]}, {"l": [1], "m": [2]}, volatile=size).outcome == "mismatched"
    assert judged({"l": [1]}, {}, volatile=size).outcome == "mismatched"


def test_a_field_that_is_only_sometimes_there_is_excused_but_not_its_value() -> None:
    presence = frozenset([("$.n", NoiseAspect.PRESENCE)])
    assert judged({"n": 1}, {}, volatile=presence).outcome == "matched"
    assert judged({"o": 1}, {"o": 1, "n": 1}, volatile=presence).outcome == "matched"
    assert judged({"n": 1}, {"n": 2}, volatile=presence).outcome == "mismatched"


@pytest.mark.parametrize(("shadow_ms", "reason"), [(3.1, "noise"), (29.0, "noise"), (3000.0, "magnitude")])
def test_a_measured_number_that_is_far_off_is_excused_and_counted_apart(shadow_ms: float, reason: str) -> None:
    found = judged({"took_ms": 3.0}, {"took_ms": shadow_ms}, volatile=values("$.took_ms"), measured={"$.took_ms"})
    assert (found.outcome, found.excuses) == ("matched", (("$.took_ms", reason, 1),))
    page = judged({"m": "took 3.0 ms"}, {"m": f"took {shadow_ms} ms"}, volatile=values("$.m"), measured={"$.m"})
    assert (page.outcome, page.excuses) == ("matched", (("$.m", reason, 1),))


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
def test_noise_excuses_what_differs_in_a_respect_that_is_noise_and_nothing_else(
    primary: object, shadow: object
) -> None:
    theirs, ours = (
        ComparedResponse(Response(200, JSON, orjson.dumps(body), 1.0), "", NOW_MS) for body in (primary, shadow)
    )
    before = compare("GET", theirs, ours)
    everywhere = KnownNoise(values(*[each.group_path for each in before.differences]))
    after = compare("GET", theirs, ours, noise=everywhere)
    kept = tuple(
        each for each in before.differences if make_noise_key(each.group_path, each.kind)[1] is not NoiseAspect.VALUE
    )
    assert after.differences == kept
    if len(kept) < len(before.differences):
        assert any(excuse.reason is ExcuseReason.NOISE for excuse in after.excuses)


places = st.frozensets(st.sampled_from([*values("$.a", "$.b", "header:location"), ("status", NoiseAspect.STATUS)]))
observations = st.builds(
    NoiseObservation,
    version=st.sampled_from(ReplayedVersion),
    answered=st.booleans(),
    **dict.fromkeys(
        [
            "primary_odd", "shadow_odd", "again_odd", "all_differ", "regenerated", "agreed", "rising", "falling", "far",
        ],
        places,
    ),
)  # fmt: skip


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
            counts = PlaceCounts(**asdict(added))
            assert classify_place(version, counts) is classify_place(version, PlaceCounts(**asdict(place)))

"""What follows from counts: how many exchanges it takes, what is never learned away, and that nothing is unlearned."""

import pytest
from darklaunch_comparator.noise.learning import (
    STABLE_PAIRS,
    UNDECIDED_PAIRS,
    NoiseState,
    PlaceCounts,
    classify_place,
    may_be_noise,
)
from darklaunch_shared.wire.replay import ReplayedVersion
from hypothesis import given
from hypothesis import strategies as st

from tests.support.noise_places import Draw, learn, present, varying, wrong

PRIMARY, SHADOW = ReplayedVersion.PRIMARY, ReplayedVersion.SHADOW
LEARNED = (NoiseState.VOLATILE, NoiseState.MEASURED)
some_counts = st.builds(PlaceCounts, **dict.fromkeys(PlaceCounts.__slots__, st.integers(0, 300)))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_field_that_is_only_sometimes_there_is_learned_without_a_control(share: float) -> None:
    places = [learn(present(share), SHADOW, seed) for seed in range(5)]
    assert all(place.states == [NoiseState.VOLATILE] for place in places)
    assert max(place.asked for place in places) <= 60


@pytest.mark.parametrize(("share", "asked"), [(0.1, 50), (0.5, 30), (1.0, 5)])
def test_a_number_that_changes_in_a_share_of_the_responses_is_learned_without_a_control(
    share: float, asked: int
) -> None:
    places = [learn(varying(share), SHADOW, seed) for seed in range(5)]
    assert all(place.states == [NoiseState.VOLATILE] for place in places)
    assert max(place.asked for place in places) <= asked


@pytest.mark.parametrize("draw", [present(0.1), present(0.5), varying(0.1), varying(1.0)])
def test_a_control_needs_a_handful(draw: Draw) -> None:
    places = [learn(draw, PRIMARY, seed) for seed in range(5)]
    assert all(place.states == [NoiseState.VOLATILE] for place in places)
    assert max(place.asked for place in places) <= 25


@pytest.mark.parametrize("right", [0.0, 0.05, 0.5, 0.9, 0.95])
def test_a_shadow_that_is_wrong_in_one_direction_is_never_excused(right: float) -> None:
    for seed in range(5):
        assert learn(wrong(right, 0.0), SHADOW, seed, 900).states == [NoiseState.EXCEEDED]


@pytest.mark.parametrize("right", [0.0, 0.05, 0.95])
def test_a_shadow_that_is_wrong_by_chance_in_both_directions_is_told_from_noise(right: float) -> None:
    for seed in range(5):
        assert learn(wrong(right, 0.0, 2.0), SHADOW, seed, 400).states in ([NoiseState.EXCEEDED], [])


@pytest.mark.parametrize("right", [0.0, 0.5, 0.9])
def test_with_a_control_no_fault_passes_for_noise(right: float) -> None:
    for seed in range(5):
        draw = wrong(right, 0.0, 2.0, control=True)
        assert learn(draw, PRIMARY, seed, 500).states == [NoiseState.EXCEEDED]


def test_what_only_a_control_can_tell() -> None:
    """Without one, a value that is wrong in half of the responses, up or down, looks like noise."""
    states = [learn(wrong(0.5, 0.0, 2.0), SHADOW, seed).states for seed in range(5)]
    assert all(state == [NoiseState.VOLATILE] for state in states)


@pytest.mark.parametrize(("version", "odd", "pairs"), [(PRIMARY, "shadow_odd", 14), (SHADOW, "primary_odd", 15)])
def test_a_value_that_is_always_wrong_is_beyond_noise_after_so_many_pairs(
    version: ReplayedVersion, odd: str, pairs: int
) -> None:
    states = [classify_place(version, PlaceCounts(**{odd: n}, falling=n)) for n in range(20)]
    assert states.index(NoiseState.EXCEEDED) == pairs
    assert set(states[:pairs]) == {NoiseState.LEARNING}


def test_a_noisy_place_that_breaks_is_excused_no_longer() -> None:
    noise = {"all_differ": 20, "primary_odd": 10, "shadow_odd": 12, "rising": 10, "falling": 12}
    for version in ReplayedVersion:
        assert classify_place(version, PlaceCounts(**noise)) is NoiseState.VOLATILE
    broken = {**noise, "shadow_odd": 60}
    assert classify_place(PRIMARY, PlaceCounts(**broken), NoiseState.VOLATILE) is NoiseState.EXCEEDED


@given(some_counts, st.sampled_from(ReplayedVersion), st.sampled_from(NoiseState))
def test_nothing_is_unlearned(counts: PlaceCounts, version: ReplayedVersion, before: NoiseState) -> None:
    order = list(NoiseState)
    assert order.index(classify_place(version, counts, before)) >= order.index(before)


@given(some_counts)
def test_a_place_that_never_differed_within_one_version_is_no_noise(counts: PlaceCounts) -> None:
    for version, odd in ((PRIMARY, counts.shadow_odd), (SHADOW, counts.primary_odd)):
        name = "shadow_odd" if version is PRIMARY else "primary_odd"
        quiet = PlaceCounts(**{name: odd}, agreed=counts.agreed, rising=odd // 2, falling=odd - odd // 2)
        assert classify_place(version, quiet) not in (*LEARNED, NoiseState.GENERATED)


def test_an_identifier_is_stable_after_20_pairs_and_50_for_each_that_differed() -> None:
    for version, odd in ((PRIMARY, "primary_odd"), (SHADOW, "shadow_odd")):
        assert classify_place(version, PlaceCounts(agreed=STABLE_PAIRS - 1)) is NoiseState.LEARNING
        assert classify_place(version, PlaceCounts(agreed=STABLE_PAIRS)) is NoiseState.STABLE
        assert classify_place(version, PlaceCounts(agreed=49, **{odd: 1})) is NoiseState.LEARNING
        assert classify_place(version, PlaceCounts(agreed=50, **{odd: 1})) is NoiseState.STABLE


def test_a_new_identifier_each_time_keeps_its_shape_compared() -> None:
    assert classify_place(PRIMARY, PlaceCounts(regenerated=3)) is NoiseState.GENERATED
    assert classify_place(SHADOW, PlaceCounts(regenerated=5)) is NoiseState.GENERATED
    assert classify_place(PRIMARY, PlaceCounts(all_differ=1, regenerated=39)) is NoiseState.VOLATILE
    assert classify_place(SHADOW, PlaceCounts(all_differ=1, regenerated=39)) is NoiseState.GENERATED


@pytest.mark.parametrize("version", ReplayedVersion)
def test_numbers_that_are_noise_are_compared_by_magnitude_once_they_are_far_off(version: ReplayedVersion) -> None:
    near = {"all_differ": 40, "far_rising": 3, "far_falling": 2}
    assert classify_place(version, PlaceCounts(**near)) is NoiseState.VOLATILE
    far = {"all_differ": 40, "far_rising": 30, "far_falling": 1}
    assert classify_place(version, PlaceCounts(**far), NoiseState.VOLATILE) is NoiseState.MEASURED


def in_doubt(counts: PlaceCounts, *, is_late: bool = False) -> bool:
    return may_be_noise(SHADOW, NoiseState.LEARNING, counts, is_late=is_late)


def test_a_place_is_in_doubt_until_it_is_decided() -> None:
    assert in_doubt(PlaceCounts())
    assert in_doubt(PlaceCounts(all_differ=1, primary_odd=UNDECIDED_PAIRS - 2))
    assert not in_doubt(PlaceCounts(all_differ=1, primary_odd=UNDECIDED_PAIRS - 1))
    for state in set(NoiseState) - {NoiseState.LEARNING}:
        assert not may_be_noise(SHADOW, state, PlaceCounts(all_differ=9))


def test_a_place_where_the_shadow_alone_differed_is_in_doubt_for_ten_pairs_and_for_six_when_it_is_late() -> None:
    assert [in_doubt(PlaceCounts(primary_odd=n)) for n in (9, 10)] == [True, False]
    assert [in_doubt(PlaceCounts(primary_odd=n), is_late=True) for n in (5, 6)] == [True, False]
    assert in_doubt(PlaceCounts(primary_odd=10, again_odd=1), is_late=True)

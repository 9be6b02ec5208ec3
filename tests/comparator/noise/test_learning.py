"""What follows from counts: how many pairs it takes, what is never learned away, and that no order matters."""

import random

import pytest
from darklaunch_comparator.compare import DifferenceKind, KnownNoise, noise_may_excuse
from darklaunch_comparator.noise.learning import (  # fmt: skip
    EXCEED_ALPHA,
    LEARN_ALPHA,
    STABLE_PAIRS,
    NoiseState,
    PlaceCounts,
    classify_place,
    may_be_noise,
)
from darklaunch_shared.wire.replay import ReplayedVersion
from hypothesis import given
from hypothesis import strategies as st

PRIMARY, SHADOW = ReplayedVersion.PRIMARY, ReplayedVersion.SHADOW


@st.composite
def some_counts(draw: st.DrawFn) -> PlaceCounts:
    pairs = draw(st.integers(0, 5000))
    varied = draw(st.integers(0, pairs))
    regenerated = draw(st.integers(0, pairs - varied))
    pos = draw(st.integers(0, pairs - varied - regenerated))
    neg = draw(st.integers(0, varied + regenerated))
    agreed = draw(st.integers(0, pairs - varied - regenerated))
    return PlaceCounts(pairs, varied, regenerated, agreed, pos, neg)


def first_known(version: ReplayedVersion, rate: float, state: NoiseState, **other: float) -> int:
    """Give the number of pairs after which a place that differs at a rate is known to be so; 0: never in 2,000."""
    for pairs in range(1, 2001):
        counts = {name: round(share * pairs) for name, share in other.items()}
        if classify_place(version, PlaceCounts(pairs, round(rate * pairs), **counts)) is state:
            return pairs
    return 0


@pytest.mark.parametrize(
    ("version", "rate", "pairs"),
    [
        *[(PRIMARY, 1.0, 3), (PRIMARY, 0.3, 19), (PRIMARY, 0.1, 306), (PRIMARY, 0.05, 0), (PRIMARY, 0.01, 0)],
        *[(SHADOW, 1.0, 17), (SHADOW, 0.9, 23), (SHADOW, 0.7, 81), (SHADOW, 0.5, 0), (SHADOW, 0.1, 0)],
    ],
)
def test_how_many_pairs_it_takes_to_call_a_value_noise(version: ReplayedVersion, rate: float, pairs: int) -> None:
    assert first_known(version, rate, NoiseState.VOLATILE) == pairs


@given(some_counts())
def test_a_place_that_never_differed_within_one_version_is_no_noise(counts: PlaceCounts) -> None:
    quiet = PlaceCounts(counts.pairs, 0, 0, counts.agreed, counts.pos, 0)
    for version in ReplayedVersion:
        assert classify_place(version, quiet) not in (NoiseState.VOLATILE, NoiseState.GENERATED)


@given(some_counts(), st.integers(0, 5000))
def test_a_shadow_that_differs_from_itself_in_no_more_than_half_is_never_excused(counts: PlaceCounts, to: int) -> None:
    pairs = 2 * max(counts.varied, counts.regenerated) + to
    seen = PlaceCounts(pairs, counts.varied, counts.regenerated)
    assert classify_place(SHADOW, seen) not in (NoiseState.VOLATILE, NoiseState.GENERATED)


@pytest.mark.parametrize("right", [0.02, 0.2, 0.5, 0.9, 0.99])
def test_a_fault_that_strikes_by_chance_is_not_learned_away(right: float) -> None:
    """A shadow that gives the right value or the wrong one by chance: looked at after every pair, 60 times over."""
    learned = 0
    for seed in range(60):
        chance = random.Random(seed)
        varied = 0
        for pairs in range(1, 301):
            varied += (chance.random() < right) != (chance.random() < right)
            if classify_place(SHADOW, PlaceCounts(pairs, varied)) is NoiseState.VOLATILE:
                learned += 1
                break
    assert learned <= 60 * LEARN_ALPHA * 4


def test_a_shadow_that_differs_more_than_its_noise_is_excused_no_longer() -> None:
    noisy = {"varied": 20, "pairs": 100}
    assert classify_place(PRIMARY, PlaceCounts(**noisy, pos=16, neg=16)) is NoiseState.VOLATILE
    assert classify_place(PRIMARY, PlaceCounts(**noisy, pos=80, neg=2)) is NoiseState.EXCEEDED
    assert classify_place(PRIMARY, PlaceCounts(14, pos=14)) is NoiseState.EXCEEDED
    assert classify_place(PRIMARY, PlaceCounts(13, pos=13)) is NoiseState.LEARNING
    assert EXCEED_ALPHA < LEARN_ALPHA


def test_an_identifier_is_stable_once_enough_pairs_agree() -> None:
    assert classify_place(PRIMARY, PlaceCounts(STABLE_PAIRS - 1, agreed=STABLE_PAIRS - 1)) is NoiseState.LEARNING
    for version in ReplayedVersion:
        assert classify_place(version, PlaceCounts(STABLE_PAIRS, agreed=STABLE_PAIRS)) is NoiseState.STABLE
        assert classify_place(version, PlaceCounts(21, regenerated=1, agreed=STABLE_PAIRS)) is NoiseState.LEARNING
        assert classify_place(version, PlaceCounts(51, regenerated=1, agreed=50)) is NoiseState.STABLE


def test_a_new_identifier_each_time_keeps_its_shape_compared() -> None:
    assert classify_place(PRIMARY, PlaceCounts(3, regenerated=3)) is NoiseState.GENERATED
    assert classify_place(SHADOW, PlaceCounts(17, regenerated=17)) is NoiseState.GENERATED
    assert classify_place(PRIMARY, PlaceCounts(40, varied=1, regenerated=39)) is NoiseState.VOLATILE
    assert classify_place(SHADOW, PlaceCounts(40, varied=1, regenerated=39)) is NoiseState.GENERATED


@given(st.text(max_size=20), st.sampled_from(DifferenceKind))
def test_noise_excuses_a_value_and_never_presence_type_size_or_status(place: str, kind: DifferenceKind) -> None:
    never = {
        DifferenceKind.MISSING,
        DifferenceKind.EXTRA,
        DifferenceKind.TYPE,
        DifferenceKind.SIZE,
        DifferenceKind.STATUS,
        DifferenceKind.ENCODING,
        DifferenceKind.DUPLICATE_KEY,
    }
    assert KnownNoise(frozenset([place])).excuses(place, kind) == (kind not in never)
    assert not KnownNoise(frozenset(["$.other"])).excuses(f"{place}.", kind)
    assert not noise_may_excuse("header:content-type", kind)


def test_an_identifier_is_stable_after_20_pairs_and_50_for_each_that_differed():
    def state(agreed: int, varied: int = 0) -> NoiseState:
        return classify_place(ReplayedVersion.PRIMARY, PlaceCounts(agreed + varied, varied=varied, agreed=agreed))

    assert (state(19), state(20)) == (NoiseState.LEARNING, NoiseState.STABLE)
    assert (state(49, varied=1), state(50, varied=1)) == (NoiseState.LEARNING, NoiseState.STABLE)


def test_a_place_is_in_doubt_for_50_pairs_and_for_500_once_it_differed():
    quiet, restless = (lambda pairs: PlaceCounts(pairs)), (lambda pairs: PlaceCounts(pairs, varied=1))
    assert [may_be_noise(NoiseState.LEARNING, quiet(pairs)) for pairs in (0, 49, 50)] == [True, True, False]
    assert [may_be_noise(NoiseState.LEARNING, restless(pairs)) for pairs in (50, 499, 500)] == [True, True, False]
    assert not may_be_noise(NoiseState.VOLATILE, restless(3))

"""The primitive: known values, and what must hold of any evidence that is looked at all the time."""

import math
from itertools import product

import pytest
from darklaunch_comparator.evidence import Bet, BetSide, OutcomeCounts, above, below, log_e, log_threshold
from hypothesis import given
from hypothesis import strategies as st

MEANS = st.floats(1e-6, 0.5)
BETS = st.one_of(
    st.builds(above, MEANS),
    st.builds(below, MEANS),
    st.builds(above, st.floats(-0.5, 0.5), st.just(-1)),
    st.builds(below, st.floats(-0.5, 0.5), st.just(-1)),
)


@st.composite
def counted(draw: st.DrawFn, lo: int, most: int = 10**9) -> OutcomeCounts:
    pos = draw(st.integers(0, most))
    neg = draw(st.integers(0, most)) if lo else 0
    return OutcomeCounts(pos, neg, pos + neg + draw(st.integers(0, most)))


@pytest.mark.parametrize(
    ("pos", "neg", "n", "bet", "known"),
    [
        (0, 0, 4409, below(0.001), 2.996224729),
        (0, 0, 4408, below(0.001), 2.99535677),
        (10, 0, 1000, above(0.001), 12.003421247),
        (100, 0, 10000, above(0.01), -2.488133141),
        (30, 10, 1000, above(0, -1), 3.507150782),
        (10, 0, 100, above(0, -1), 4.958410044),
        (5, 5, 3000, below(0.01, -1), 17.152039893),
    ],
)
def test_known_values(pos: int, neg: int, n: int, bet: Bet, known: float) -> None:
    assert log_e(bet, OutcomeCounts(pos, neg, n)) == pytest.approx(known, abs=1e-8)


def test_nothing_seen_is_no_evidence() -> None:
    for bet in (above(0.001), below(0.001), above(0, -1), below(0.01, -1)):
        assert log_e(bet, OutcomeCounts()) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("bet", [above(0.2), below(0.2), above(0.0, -1), below(0.1, -1), above(-0.3, -1)], ids=repr)
def test_at_the_boundary_nobody_can_expect_to_win_and_few_ever_reach_the_threshold(bet: Bet) -> None:
    """Every sequence of nine outcomes, weighed by its probability: expectation 1, P(ever ≥ 1/α) ≤ α."""
    ties = 0.3 if bet.lo else 0.0
    outcomes = [(1, (bet.m - bet.lo - ties * -bet.lo) / (1 - bet.lo)), (bet.lo, 0.0)]
    outcomes[1] = (bet.lo, 1 - ties - outcomes[0][1])
    if ties:
        outcomes.append((0, ties))
    assert math.fsum(x * p for x, p in outcomes) == pytest.approx(bet.m)
    expected, reached = [], []
    alpha = 0.4
    for sequence in product(outcomes, repeat=9 if not ties else 7):
        probability = math.prod(p for _, p in sequence)
        logs = list(walk(bet, [x for x, _ in sequence]))
        expected.append(probability * math.exp(logs[-1]))
        reached.append(probability * (max(logs) >= log_threshold(alpha)))
    assert math.fsum(expected) == pytest.approx(1)
    assert 0 < math.fsum(reached) <= alpha


def walk(bet: Bet, outcomes: list[int]) -> list[float]:
    counts, logs = OutcomeCounts(), []
    for x in outcomes:
        counts += OutcomeCounts(x == 1, x == -1, 1)
        logs.append(log_e(bet, counts))
    return logs


@given(st.data(), BETS)
def test_any_counts_give_a_number(data: st.DataObject, bet: Bet) -> None:
    found = log_e(bet, data.draw(counted(bet.lo)))
    assert not math.isnan(found)
    assert found < math.inf


@given(st.data(), BETS)
def test_one_more_success_speaks_for_a_higher_mean_than_one_more_failure(data: st.DataObject, bet: Bet) -> None:
    before = data.draw(counted(bet.lo, 10_000))
    failure, success = log_e(bet, before + OutcomeCounts(0, -bet.lo, 1)), log_e(bet, before + OutcomeCounts(1, 0, 1))
    higher, lower = (success, failure) if bet.side is BetSide.ABOVE else (failure, success)
    assert higher >= lower


@given(st.data(), st.floats(1e-5, 0.2), st.floats(1e-5, 0.2))
def test_a_stricter_claim_is_refuted_with_less(data: st.DataObject, one: float, other: float) -> None:
    """Clean exchanges clear a loose bound before a tight one."""
    loose, tight = max(one, other), min(one, other)
    n = data.draw(st.integers(0, 100_000))
    assert log_e(below(loose), OutcomeCounts(n=n)) >= log_e(below(tight), OutcomeCounts(n=n)) - 1e-9


@given(counted(-1), counted(-1))
def test_counts_add_up(one: OutcomeCounts, other: OutcomeCounts) -> None:
    assert one + other == other + one == OutcomeCounts(one.pos + other.pos, one.neg + other.neg, one.n + other.n)


def test_a_ruined_stake_leaves_the_others() -> None:
    """Staking all on "no failure" is lost with the first one; the smaller stakes can still clear later."""
    assert log_e(below(0.01), OutcomeCounts(1, 0, 1)) > -math.inf
    assert log_e(below(0.01), OutcomeCounts(1, 0, 2000)) > log_threshold(0.05)


@pytest.mark.parametrize("impossible", [(-1, 0, 5), (0, -1, 5), (3, 3, 5), (1, 0, 0)])
def test_impossible_counts_are_refused(impossible: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at most n together"):
        OutcomeCounts(*impossible)


def test_impossible_bets_are_refused() -> None:
    for m, lo in ((0.0, 0), (1.0, 0), (-1.0, -1), (math.nan, 0)):
        with pytest.raises(ValueError, match="lies between"):
            above(m, lo)
    with pytest.raises(ValueError, match="starts at 0 or at −1"):
        below(0.1, -2)
    with pytest.raises(ValueError, match="cannot have been −1"):
        log_e(above(0.1), OutcomeCounts(0, 1, 1))

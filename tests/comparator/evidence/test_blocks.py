"""Evidence from blocks: the same in any order and any split; the restart mixture is what its formula says."""

import json
import math
import random
from itertools import product

import pytest
from darklaunch_comparator.evidence import (
    Bet,
    BlockCapital,
    OutcomeCounts,
    RestartMixture,
    above,
    below,
    block_vote,
    log_e,
)
from hypothesis import given
from hypothesis import strategies as st

BETS = [above(0.001), above(0.2), below(0.01), above(0, -1), below(0.01, -1)]


PARTS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))


def block_for(bet: Bet, parts: tuple[int, int, int]) -> OutcomeCounts:
    pos, neg, zero = parts
    return OutcomeCounts(pos, neg if bet.lo else 0, pos + (neg if bet.lo else 0) + zero)


def summed(bet: Bet, blocks: list[OutcomeCounts]) -> BlockCapital:
    sums = BlockCapital.empty(bet)
    for block in blocks:
        sums = sums.with_block(bet, block)
    return sums


def restarted(bet: Bet, blocks: list[OutcomeCounts]) -> RestartMixture:
    mixture = RestartMixture.empty(bet)
    for block in blocks:
        mixture = mixture.with_block(bet, block)
    return mixture


@given(st.sampled_from(BETS), st.lists(PARTS, max_size=40), st.randoms())
def test_shuffled_or_split_over_eight_comparators_the_sums_are_the_same(
    bet: Bet, parts: list[tuple[int, int, int]], chance: random.Random
) -> None:
    blocks = [block_for(bet, part) for part in parts]
    together = summed(bet, blocks)
    chance.shuffle(blocks)
    shares: list[list[OutcomeCounts]] = [[] for _ in range(8)]
    for block in blocks:
        chance.choice(shares).append(block)
    split = BlockCapital.empty(bet)
    for share in shares:
        split += summed(bet, share)
    assert split == together
    assert split.log_e == together.log_e


@pytest.mark.parametrize("bet", BETS, ids=repr)
def test_blocks_of_one_exchange_are_the_exchanges(bet: Bet) -> None:
    outcomes = (
        [OutcomeCounts(1, 0, 1)] * 3 + [OutcomeCounts(0, 0, 1)] * 200 + [OutcomeCounts(0, 1, 1)] * (2 if bet.lo else 0)
    )
    assert summed(bet, outcomes).log_e == pytest.approx(log_e(bet, sum(outcomes, OutcomeCounts())), abs=1e-8)


@pytest.mark.parametrize("bet", BETS, ids=repr)
def test_a_burst_within_a_block_counts_once(bet: Bet) -> None:
    """Twenty mismatches in one block of a hundred are weaker evidence than twenty blocks with one each."""
    burst = [OutcomeCounts(20, 0, 100), *[OutcomeCounts(0, 0, 100)] * 19]
    spread = [OutcomeCounts(1, 0, 100)] * 20
    assert summed(above(0.001), burst).log_e < summed(above(0.001), spread).log_e
    assert summed(bet, burst).blocks == 20


@given(st.sampled_from(BETS), st.lists(PARTS, max_size=15), st.lists(PARTS, max_size=15))
def test_after_a_restart_of_the_judge_every_bit_is_the_same(
    bet: Bet, before: list[tuple[int, int, int]], after: list[tuple[int, int, int]]
) -> None:
    first, second = [block_for(bet, part) for part in before], [block_for(bet, part) for part in after]
    sums = BlockCapital.unpack(json.loads(json.dumps(summed(bet, first).pack())))
    mixture = RestartMixture.unpack(json.loads(json.dumps(restarted(bet, first).pack(), allow_nan=False)))
    for block in second:
        sums, mixture = sums.with_block(bet, block), mixture.with_block(bet, block)
    assert sums == summed(bet, first + second)
    assert mixture == restarted(bet, first + second)


@pytest.mark.parametrize("bet", [above(0.2), below(0.2), above(0.0, -1)], ids=repr)
def test_at_the_boundary_blocks_win_nothing_in_expectation(bet: Bet) -> None:
    """Every sequence of four blocks of three exchanges, weighed by its probability."""
    high = (bet.m - bet.lo) / (1 - bet.lo)
    kinds = [
        (OutcomeCounts(k, (3 - k) * -bet.lo, 3), math.comb(3, k) * high**k * (1 - high) ** (3 - k)) for k in range(4)
    ]
    plain, mixed = [], []
    for sequence in product(kinds, repeat=4):
        probability = math.prod(p for _, p in sequence)
        blocks = [block for block, _ in sequence]
        plain.append(probability * math.exp(summed(bet, blocks).log_e))
        mixed.append(probability * math.exp(restarted(bet, blocks).log_e))
    assert math.fsum(plain) == pytest.approx(1)
    assert math.fsum(mixed) == pytest.approx(1)


def test_a_block_has_one_vote() -> None:
    blocks = [
        OutcomeCounts(9, 2, 100),
        OutcomeCounts(3, 4, 100),
        OutcomeCounts(5, 5, 100),
        OutcomeCounts(0, 0, 100),
        OutcomeCounts(),
    ]
    assert [block_vote(block) for block in blocks] == [
        OutcomeCounts(1, 0, 1),
        OutcomeCounts(0, 1, 1),
        OutcomeCounts(0, 0, 1),
        OutcomeCounts(0, 0, 1),
        OutcomeCounts(0, 0, 0),
    ]


def test_twenty_blocks_that_agree_are_enough_where_their_means_say_nothing() -> None:
    bet, blocks = above(0, -1), [OutcomeCounts(9, 4, 100)] * 20
    assert log_e(bet, sum((block_vote(block) for block in blocks), OutcomeCounts())) > math.log(20)
    assert summed(bet, blocks).log_e < math.log(2)


def test_an_empty_block_is_no_bet() -> None:
    bet = above(0.001)
    assert BlockCapital.empty(bet).with_block(bet, OutcomeCounts()) == BlockCapital.empty(bet)
    assert RestartMixture.empty(bet).with_block(bet, OutcomeCounts()) == RestartMixture.empty(bet)
    assert BlockCapital.empty(bet).log_e == RestartMixture.empty(bet).log_e == 0


def test_a_stake_that_lost_all_stays_lost() -> None:
    bet = below(0.01)
    ruined = BlockCapital.empty(bet).with_block(bet, OutcomeCounts(100, 0, 100))
    assert ruined.sums[0] is None
    assert (ruined + BlockCapital.empty(bet)).sums[0] is None
    assert -math.inf < ruined.log_e < 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be added"):
        BlockCapital.empty(above(0.1)) + BlockCapital.empty(below(0.1))
    with pytest.raises(ValueError, match="do not fit"):
        BlockCapital.empty(above(0.1)).with_block(below(0.1), OutcomeCounts(1, 0, 1))
    with pytest.raises(ValueError, match="do not fit"):
        RestartMixture.empty(above(0.1)).with_block(below(0.1), OutcomeCounts(1, 0, 1))
    with pytest.raises(ValueError, match="cannot have been −1"):
        BlockCapital.empty(above(0.1)).with_block(above(0.1), OutcomeCounts(0, 1, 1))
    with pytest.raises(ValueError, match="no stake"):
        BlockCapital.unpack({"blocks": 1, "sums": []})
    with pytest.raises(ValueError, match="number or null"):
        RestartMixture.unpack({"blocks": 1, "log_started": [math.nan]})

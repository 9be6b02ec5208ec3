"""The restart mixture: evidence that may begin at any block."""

import math

import pytest
from darklaunch_comparator.evidence import (
    Bet,
    BlockCapital,
    OutcomeCounts,
    RestartMixture,
    above,
    below,
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


@given(st.sampled_from(BETS), st.lists(PARTS, max_size=25))
def test_the_restart_mixture_is_the_sum_over_all_starts(bet: Bet, parts: list[tuple[int, int, int]]) -> None:
    blocks = [block for block in (block_for(bet, part) for part in parts) if block.n]
    size = len(blocks)
    starts = [math.exp(summed(bet, blocks[b:]).log_e) / ((b + 1) * (b + 2)) for b in range(size)]
    assert math.exp(restarted(bet, blocks).log_e) == pytest.approx(math.fsum(starts) + 1 / (size + 1), rel=1e-7)


def test_after_a_long_good_stretch_the_mixture_sees_a_change_first() -> None:
    bet = above(0.001)
    blocks = [OutcomeCounts(0, 0, 100)] * 500 + [OutcomeCounts(1, 0, 100)] * 15
    assert restarted(bet, blocks).log_e > math.log(20)
    assert summed(bet, blocks).log_e < 0

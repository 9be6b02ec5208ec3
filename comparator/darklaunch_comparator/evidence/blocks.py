"""The block form: one bet per closed block, on the block's mean.

Mismatches come in bursts: one bad cache entry answers twenty requests. Counted one by one, a burst at exactly the
budget looks like twenty pieces of evidence; as part of one block's mean it is one. The bet is valid if the claim holds
for the mean of each block given the blocks before it; within a block, exchanges may depend on each other in any way.

For rates, a block's mean is a good bet: against a budget of 0.1 %, one failure in a hundred is much. For the paired X
of two latencies it is not: a shadow 20 % slower moves the mean by a few hundredths, and with X as low as −1 no stake
above 1 is allowed, so that a hundred blocks are little evidence. There, a block votes: one X, the sign of its pos −
neg. If the two sides are exchangeable, that sign is −1 as often as +1, however exchanges within a block depend on each
other.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .betting import Bet, OutcomeCounts, log_mean_exp

_UNITS_PER_NAT: Final = 2**36
"""Log capital is kept in whole units of 2^-36, because integers add up exactly, in any order and grouping."""


@dataclass(frozen=True, slots=True)
class BlockCapital:
    """Log capital after a set of blocks, per stake. Addition is exact: blocks may be shuffled, or split over processes.

    `sums` are in units of 2^-36; None for a stake that lost everything. Each block is rounded once, by < 1e-11.
    """

    blocks: int
    sums: tuple[int | None, ...]

    @classmethod
    def empty(cls, bet: Bet) -> "BlockCapital":
        """Return the capital before the first block."""
        return cls(0, (0,) * len(bet.stakes))

    def with_block(self, bet: Bet, block: OutcomeCounts) -> "BlockCapital":
        """Return the capital after one more closed block. An empty block changes nothing."""
        growths = block_growths(bet, block, len(self.sums))
        return self if growths is None else self + BlockCapital(1, tuple(map(_to_units, growths)))

    def __add__(self, other: "BlockCapital") -> "BlockCapital":
        if len(self.sums) != len(other.sums):
            raise ValueError("capital of two different bets cannot be added")
        pairs = zip(self.sums, other.sums, strict=True)
        return BlockCapital(
            self.blocks + other.blocks, tuple(None if a is None or b is None else a + b for a, b in pairs)
        )

    @property
    def log_e(self) -> float:
        """The log evidence of all these blocks."""
        return log_mean_exp(-math.inf if units is None else units / _UNITS_PER_NAT for units in self.sums)

    def pack(self) -> dict[str, Any]:
        """Return the capital as JSON values: integers of at most 63 bits."""
        return {"blocks": self.blocks, "sums": list(self.sums)}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> "BlockCapital":
        """Read what `pack` returned. Raises KeyError, TypeError or ValueError on anything else."""
        sums = tuple(None if units is None else int(units) for units in packed["sums"])
        if not sums:
            raise ValueError("there are no stakes")
        return cls(int(packed["blocks"]), sums)


def block_vote(block: OutcomeCounts) -> OutcomeCounts:
    """Return the one vote of a block of paired outcomes: +1 if `pos` exceeds `neg`, −1 if `neg` exceeds `pos`, else 0.

    Votes are counts: they add up, and `log_e` bets on them one by one. An empty block has no vote.
    """
    return OutcomeCounts(block.pos > block.neg, block.neg > block.pos, block.n > 0)


def block_growths(bet: Bet, block: OutcomeCounts, stakes: int) -> tuple[float, ...] | None:
    """Return the log growth per stake on a block's mean; None for an empty block.

    Raises ValueError if the bet does not have this number of `stakes`, or if the block has −1 for an X in {0, 1}.
    """
    if len(bet.stakes) != stakes:
        raise ValueError(f"a state of {stakes} stakes and a bet of {len(bet.stakes)} do not fit")
    if bet.lo == 0 and block.neg:
        raise ValueError(f"an X in {{0, 1}} cannot have been −1 {block.neg} times")
    return bet.log_growths((block.pos - block.neg) / block.n) if block.n else None


def _to_units(growth: float) -> int | None:
    return None if math.isinf(growth) else round(growth * _UNITS_PER_NAT)

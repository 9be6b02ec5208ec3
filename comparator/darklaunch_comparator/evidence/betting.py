"""The primitive: a gambler bets on each X against a claim about its mean; the capital is the evidence.

With a stake l, capital grows by the factor 1 + s·l·(X − m), s = +1 to refute "E[X | past] ≤ m" and −1 to refute
"E[X | past] ≥ m": under the claim a nonnegative supermartingale that starts at 1, whatever depends on what, as long as
the past cannot raise (or lower) the mean over m. The average over a fixed grid of stakes is one too.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (arXiv 2010.09686); Howard,
Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences" (arXiv 1810.08240).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

_ABOVE_FROM_ZERO: Final = tuple(2.0**-k for k in range(1, 11))
_ABOVE_FROM_MINUS_ONE: Final = (0.95, 0.75, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
_BELOW: Final = (1.0, 0.9, 0.75, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625)
_RUIN: Final = -1 + 1e-12
"""A bet that loses this share of the capital has lost it all: rounding must not leave a remainder."""


class BetSide(StrEnum):
    """Whether the evidence is for a mean of X above m, or below it."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class OutcomeCounts:
    """Outcomes of X: `pos` times +1, `neg` times −1, 0 the rest of `n` times. Counts add up.

    Raises ValueError for a negative count or more ones than exchanges.
    """

    pos: int = 0
    neg: int = 0
    n: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for counts that are impossible."""
        if self.pos < 0 or self.neg < 0 or self.pos + self.neg > self.n:
            raise ValueError(f"pos and neg are at least 0 and at most n together, got {self}")

    def __add__(self, other: "OutcomeCounts") -> "OutcomeCounts":
        return OutcomeCounts(self.pos + other.pos, self.neg + other.neg, self.n + other.n)


@dataclass(frozen=True, slots=True)
class Bet:
    """A claim about the mean of X and the stakes bet against it. Create it with `above` or `below`.

    X is in [`lo`, 1] with `lo` 0 or −1. `stakes` are the l of the module's docstring, largest first.
    """

    side: BetSide
    m: float
    lo: int
    stakes: tuple[float, ...]

    def log_growths(self, x: float) -> tuple[float, ...]:
        """Return, per stake, the log of the factor by which the outcome (or mean of a block) `x` grows the capital."""
        gain = x - self.m if self.side is BetSide.ABOVE else self.m - x
        return tuple(-math.inf if stake * gain <= _RUIN else math.log1p(stake * gain) for stake in self.stakes)


@lru_cache(maxsize=256)
def above(m: float, lo: int = 0) -> Bet:
    """Return the bet that the mean of X in [`lo`, 1] is above `m`.

    Raises ValueError unless lo is 0 or −1 and lo < m < 1.
    """
    _check_claim(m, lo)
    fractions = _ABOVE_FROM_ZERO if lo == 0 else _ABOVE_FROM_MINUS_ONE
    return Bet(BetSide.ABOVE, m, lo, tuple(fraction / (m - lo) for fraction in fractions))


@lru_cache(maxsize=256)
def below(m: float, lo: int = 0) -> Bet:
    """Return the bet that the mean of X in [`lo`, 1] is below `m`.

    Raises ValueError unless lo is 0 or −1 and lo < m < 1.
    """
    _check_claim(m, lo)
    return Bet(BetSide.BELOW, m, lo, tuple(fraction / (1 - m) for fraction in _BELOW))


def log_e(bet: Bet, counts: OutcomeCounts) -> float:
    """Return log E after betting on each of `counts` one by one. Their order does not matter; log E of no counts is 0.

    Raises ValueError if `counts` has −1 for an X in {0, 1}.
    """
    if bet.lo == 0 and counts.neg:
        raise ValueError(f"an X in {{0, 1}} cannot have been −1 {counts.neg} times")
    zeros = counts.n - counts.pos - counts.neg
    weighted = [(k, bet.log_growths(x)) for k, x in ((counts.pos, 1.0), (counts.neg, -1.0), (zeros, 0.0)) if k]
    return log_mean_exp(math.fsum(k * growths[stake] for k, growths in weighted) for stake in range(len(bet.stakes)))


def log_mean_exp(logs: Iterable[float]) -> float:
    """Return the logarithm of the mean of the exponentials, without overflow."""
    logs = tuple(logs)
    return log_sum_exp(logs) - math.log(len(logs))


def log_sum_exp(logs: Iterable[float]) -> float:
    """Return the logarithm of the sum of the exponentials, without overflow."""
    logs = tuple(logs)
    top = max(logs)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(log - top) for log in logs))


def _check_claim(m: float, lo: int) -> None:
    if lo not in (0, -1):
        raise ValueError(f"X starts at 0 or at −1, got lo = {lo}")
    if not lo < m < 1:
        raise ValueError(f"a mean to bet on lies between {lo} and 1, got {m}")

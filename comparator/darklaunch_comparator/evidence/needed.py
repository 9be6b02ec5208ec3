"""How many more exchanges are needed, from what has been counted so far."""

from typing import Final

from .betting import Bet, BetSide, OutcomeCounts, log_e

MAX_EXCHANGES: Final = 2**60


def clean_exchanges_needed(bet: Bet, counts: OutcomeCounts, log_threshold: float) -> int | None:
    """Return how many more clean exchanges (X = 0) bring `log_e` to `log_threshold`; 0 if it is there already.

    At most 2^60. None if no number of them does: the paired bet "below 0" learns nothing from ties. From nothing, a
    proof of "below m" takes about 4.4/m exchanges at α = 5 %; one early failure changes 4,409 to about 7,450. Raises
    ValueError for a bet "above", to which clean exchanges add nothing.
    """
    if bet.side is not BetSide.BELOW:
        raise ValueError("clean exchanges are no evidence for a mean above")
    if log_e(bet, counts) >= log_threshold:
        return 0
    if bet.m <= 0:
        return None
    enough = 1
    while not _reaches(bet, counts, enough, log_threshold):
        if enough >= MAX_EXCHANGES:
            return MAX_EXCHANGES
        enough *= 2
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if _reaches(bet, counts, middle, log_threshold):
            enough = middle
        else:
            too_few = middle
    return enough


def _reaches(bet: Bet, counts: OutcomeCounts, more: int, log_threshold: float) -> bool:
    return log_e(bet, counts + OutcomeCounts(n=more)) >= log_threshold

"""How much longer: exchanges still needed, from what has been counted so far."""

from typing import Final

from .betting import Bet, BetSide, OutcomeCounts, log_e

MOST: Final = 2**60


def clean_exchanges_needed(bet: Bet, counts: OutcomeCounts, log_bar: float) -> int | None:
    """Count the exchanges, all of them clean (X = 0), after which `log_e` reaches `log_bar`; 0 when it has.

    At most 2^60. None when no number of them does: the paired bet "below 0" learns nothing from ties. With nothing
    seen, clearing "below m" takes about 4.4/m at α = 5 %; one failure early on moves 4,409 to about 7,450. Raises
    ValueError for a bet "above", which no clean exchange helps.
    """
    if bet.side is not BetSide.BELOW:
        raise ValueError("clean exchanges are no evidence for a mean above")
    if log_e(bet, counts) >= log_bar:
        return 0
    if bet.m <= 0:
        return None
    reached = 1
    while not _reaches(bet, counts, reached, log_bar):
        if reached >= MOST:
            return MOST
        reached *= 2
    missed = reached // 2
    while reached - missed > 1:
        middle = (missed + reached) // 2
        if _reaches(bet, counts, middle, log_bar):
            reached = middle
        else:
            missed = middle
    return reached


def _reaches(bet: Bet, counts: OutcomeCounts, more: int, log_bar: float) -> bool:
    return log_e(bet, counts + OutcomeCounts(n=more)) >= log_bar

"""Evidence that may be looked at after every exchange: e-values by betting. Pure, standard library `math` only.

An *e-value* E is the capital of a gambler who started with 1 and bet against a claim, "at most 0.1 % mismatch", say. If
the claim is true, P(E ever reaches 1/α) ≤ α, however often one looks (Ville's inequality). Here E travels as `log_e`,
its natural logarithm; −inf is E = 0. The claim is refuted when log_e ≥ `log_threshold(alpha)`.

    bet = above(0.001)                          evidence that the mean of X in {0, 1} is above 0.001; or below(0.001)
    bet = above(0.0, lo=-1)                     the same of a paired X in {−1, 0, +1}
    counts = OutcomeCounts(pos=10, neg=0, n=1000)    how often +1, −1, and of how many; counts add up
    log_e(bet, counts)                          12.003…: exchange by exchange; only the counts matter, not their order

    capital = BlockCapital.empty(bet).with_block(bet, block)      block by block (each OutcomeCounts): valid in bursts
    capital.log_e, capital_a + capital_b, capital.pack()          exact: any order, any split, one result
    mixture = RestartMixture.empty(bet).with_block(bet, block)    blocks in order of time: quick to notice a change
    mixture.log_e, mixture.pack()                                 one float per stake; resumes bit for bit
    sum((block_vote(block) for block in blocks), OutcomeCounts()) latency: one vote a block, the only form that is both
                                                                  valid in bursts and quick (see `blocks`)

    weighted_average([(0.35, log_e_a), (0.25, log_e_b)])      an e-value under any dependence; weight left over is E = 1
    discovery_weight(j)                                       the weight of the j-th endpoint found, j = 1, 2, 3 …
    reject_by_e_bh({"GET /a": log_e_a, "GET /b": log_e_b}, alpha)         those to blame, strongest first (e-BH)
    confidence_sequence(hits, n, alpha)                       RateInterval(low, high), valid at every look
    clean_exchanges_needed(below(0.001), counts, log_threshold(alpha))    how many more without a failure
"""

from .betting import Bet, BetSide, OutcomeCounts, above, below, log_e
from .blocks import BlockCapital, block_vote
from .combine import discovery_weight, log_threshold, reject_by_e_bh, weighted_average
from .needed import clean_exchanges_needed
from .rate import RateInterval, confidence_sequence
from .restart import RestartMixture

__all__ = [
    "Bet",
    "BetSide",
    "BlockCapital",
    "OutcomeCounts",
    "RateInterval",
    "RestartMixture",
    "above",
    "below",
    "block_vote",
    "clean_exchanges_needed",
    "confidence_sequence",
    "discovery_weight",
    "log_e",
    "log_threshold",
    "reject_by_e_bh",
    "weighted_average",
]

"""What must hold to the last digit: known values, and the same evidence in any order and any split."""

import numpy as np
from darklaunch_comparator.evidence import Bet, BlockCapital, OutcomeCounts, above, below, confidence_sequence, log_e

from . import judge, naive
from .controller import BLOCK, BUDGET, Launches, rolled_back_each
from .engine import NEVER
from .rows import Group, Row
from .traffic import Pairs, failures

KNOWN = (
    (below(0.001), OutcomeCounts(0, 0, 4409), 2.996224729),
    (below(0.001), OutcomeCounts(0, 0, 4408), 2.99535677),
    (above(0.001), OutcomeCounts(10, 0, 1000), 12.003421247),
    (above(0.01), OutcomeCounts(100, 0, 10_000), -2.488133141),
    (above(0.0, -1), OutcomeCounts(30, 10, 1000), 3.507150782),
    (above(0.0, -1), OutcomeCounts(10, 0, 100), 4.958410044),
    (below(0.01, -1), OutcomeCounts(5, 5, 3000), 17.152039893),
)
INTERVALS = ((10, 1000, 0.0024064683, 0.0261644304), (100, 10_000, 0.0065584761, 0.0144620670))

CONTROL, EXPERIMENT = np.ones(10), np.array([100.0] * 7 + [1.0] * 3)


def known_values() -> Group:
    """Compare with values that were computed independently."""
    errors = [abs(log_e(bet, counts) - known) for bet, counts, known in KNOWN]
    for hits, n, low, high in INTERVALS:
        found = confidence_sequence(hits, n, 0.05)
        errors += [abs(found.low - low), abs(found.high - high)]
    worst = max(errors)
    return Group("Known values", [Row("largest error", f"{worst:.0e}", "≤ 1e-8", worst <= 1e-8)])


def any_order_any_split() -> Group:
    """Shuffle a launch's blocks, and split them over eight comparators: by block, and each block's exchanges."""
    rng = np.random.default_rng(11)
    blocks = failures(rng, 1000, BLOCK, 0.002)
    same = _sums(above(BUDGET), _counts(blocks))
    shuffled = _sums(above(BUDGET), _counts(rng.permuted(blocks, axis=1)[rng.permutation(len(blocks))]))
    owner = rng.integers(8, size=len(blocks))
    by_block = BlockCapital.empty(above(BUDGET))
    for comparator in range(8):
        by_block += _sums(above(BUDGET), _counts(blocks[owner == comparator]))
    within = rng.integers(8, size=blocks.shape)
    parts = [
        [OutcomeCounts(int(b[w == k].sum()), 0, int((w == k).sum())) for k in range(8)]
        for b, w in zip(blocks, within, strict=True)
    ]
    by_exchange = _sums(above(BUDGET), [sum(part, OutcomeCounts()) for part in parts])
    differing = sum(other != same for other in (shuffled, by_block, by_exchange))
    floats = {float(np.cumsum(rng.permutation(np.log1p(500 * (blocks.mean(axis=1) - 0.001))))[-1]) for _ in range(20)}
    return Group(
        "One launch of 1,000 blocks: shuffled, split over 8 comparators by block or within",
        [
            Row("states that differ in any bit", str(differing), "= 0", differing == 0),
            Row("instead: floats as they arrive", f"{len(floats)} different sums", "> 1", len(floats) > 1),
        ],
    )


def seven_of_ten_a_hundred_times_slower() -> Group:
    """Judge `[1]*10` beside `[100]*7 + [1]*3`, over and over: spinnaker/spinnaker#6278."""
    pairs = Pairs(np.tile(CONTROL, 500)[None, :], np.tile(EXPERIMENT, 500)[None, :], np.zeros((1, 5000)))
    each = int(rolled_back_each(Launches(pairs).outcomes())[0])
    judged, promoted = (int(ends[0]) for ends in judge.find_ends(Launches(pairs)))
    passes = not naive.is_high(CONTROL, EXPERIMENT)
    return Group(
        "Of ten answers the primary takes 1 ms for each, the shadow 100 ms for seven:\nover and over",
        [
            Row("rolled back after, each exchange", f"{each:,} exchanges", "≤ 300", each <= 300),
            Row("the judge rolls back after", f"{judged:,} exchanges", "≤ 2,000", judged <= 2000 and promoted == NEVER),
            Row("instead: Mann-Whitney, windows", "pass" if passes else "high", "= pass", passes),
        ],
    )


def _counts(blocks: np.ndarray) -> list[OutcomeCounts]:
    return [OutcomeCounts(int(pos), 0, blocks.shape[1]) for pos in blocks.sum(axis=1)]


def _sums(bet: Bet, blocks: list[OutcomeCounts]) -> BlockCapital:
    sums = BlockCapital.empty(bet)
    for block in blocks:
        sums = sums.with_block(bet, block)
    return sums

"""Power: how soon a bad launch is rolled back, and a clean one promoted."""

import numpy as np
from darklaunch_comparator.evidence import above

from . import judge, naive
from .controller import BAR, BLOCK, BUDGET, LEAST, Launches, in_exchanges, rolled_back_each
from .engine import NEVER, Ints, block_paths, first, means_of, restart_each_paths, restart_paths
from .rows import Group, Row, delays_shown, late, soon
from .traffic import Pairs, failures, pairs

EXCHANGES = 5_000


def of_mismatches(launches: int) -> Group:
    """Roll back a launch of which 1 % mismatches."""
    rng = np.random.default_rng(3)
    equal, failed = pairs(rng, launches, EXCHANGES), failures(rng, launches, EXCHANGES, 0.01)
    mismatching = Launches(equal, {"mismatch": failed})
    alone = first(block_paths(above(BUDGET), means_of(failed, BLOCK)) >= BAR)
    z = naive.z_alarms(failed, BUDGET, least=LEAST)
    return Group(
        f"1 % mismatch, budget 0.1 %: exchanges until it is rolled back, {launches:,} launches",
        [
            soon("all guards, each exchange", rolled_back_each(mismatching.outcomes()), {0.5: 550, 0.99: 2400}),
            soon("the judge", judge.find_ends(mismatching)[0], {0.5: 900, 0.99: 3000}),
            soon("its guard alone, in blocks", in_exchanges(alone), {0.5: 500, 0.99: 2000}),
            delays_shown("instead: z-test, looked at always", z),
            delays_shown("instead: mean limit", naive.flagger_alarms(failed, BUDGET, BLOCK)),
        ],
    )


def of_slow_launches(launches: int) -> Group:
    """Roll back a launch that is slower: all of it, its tail, or now and then by seconds."""
    rng = np.random.default_rng(7)
    equal = pairs(rng, launches, EXCHANGES)
    hangs = 3000.0 * failures(rng, launches, EXCHANGES, 0.02)
    heavy = np.where(equal.heaviness > 0.85, 1.27, 1.0)
    slower = Pairs(equal.primary_ms, 1.2 * equal.shadow_ms, equal.heaviness)
    tail = Pairs(equal.primary_ms, heavy * equal.shadow_ms, equal.heaviness)
    hanging = Pairs(equal.primary_ms, equal.shadow_ms + hangs, equal.heaviness)
    limit_ms = 1.25 * float(equal.primary_ms.mean())
    rows: list[Row] = []
    for what, seen, each, blocks in (
        ("every answer 20 % slower", slower, {0.5: 600, 0.99: 1300}, {0.5: 1500, 0.99: 3000}),
        ("2 % of answers 3 s slower", hanging, {0.5: 220, 0.99: 750}, {0.5: 500, 0.99: 1100}),
        ("the slowest 15 % are 27 % slower", tail, {0.5: 1200, 0.99: 2500}, {0.5: 2000, 0.99: 4000}),
    ):
        rows += [
            soon(what, rolled_back_each(Launches(seen).outcomes()), each),
            soon("  the judge", judge.find_ends(Launches(seen))[0], blocks),
            delays_shown("  instead: mean limit of +25 %", naive.flagger_alarms(seen.shadow_ms, limit_ms, BLOCK)),
            delays_shown("  instead: Mann-Whitney, windows", _kayenta(seen, max(launches // 5, 20))),
        ]
    return Group(f"Slower: exchanges until it is rolled back, all guards, {launches:,} launches", rows)


def of_clean_launches(launches: int) -> Group:
    """Promote what is clean, as soon as the schedule allows."""
    few = max(launches // 4, 20)
    back, done = judge.find_ends(Launches(pairs(np.random.default_rng(4), few, EXCHANGES)))
    return Group(
        f"Clean launches, steps of 100, 500, 1,000 and 3,000 exchanges: {few:,} launches",
        [
            Row("the judge promotes after", f"{int(done.max()):,} exchanges", "= 4,600", bool((done == 4600).all())),
            Row("rolled back instead", f"{int((back < NEVER).sum())} launches", "", None),
        ],
    )


def after_a_good_stretch(launches: int) -> Group:
    """Notice 1 % mismatch that begins after 50,000 good exchanges."""
    rng = np.random.default_rng(5)
    good, bad = 500, 200
    failed = failures(rng, launches, bad * BLOCK, 0.01)
    means = np.concatenate([np.zeros((launches, good)), means_of(failed, BLOCK)], axis=1)
    each = restart_each_paths(above(BUDGET), failed[:, :4000], good_blocks=good, size=BLOCK)
    mixture = first(restart_paths(above(BUDGET), means) >= BAR, least=good)
    cumulative = first(block_paths(above(BUDGET), means) >= BAR, least=good)
    return Group(
        f"1 % mismatch that begins after 50,000 good exchanges: delay, {launches:,} launches",
        [
            soon("restart mixture, each exchange", first(each >= BAR), {0.5: 1100}),
            soon("restart mixture, in blocks", in_exchanges(mixture, since=good), {0.5: 1600}),
            late("instead: cumulative evidence", in_exchanges(cumulative, since=good), 0.5, 5000),
        ],
    )


def _kayenta(seen: Pairs, launches: int) -> Ints:
    return naive.kayenta_alarms(seen.primary_ms[:launches], seen.shadow_ms[:launches], BLOCK)

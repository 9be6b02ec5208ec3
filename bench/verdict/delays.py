"""Power: how soon a bad launch is rolled back, and a clean one promoted."""

import numpy as np
from darklaunch_comparator.evidence import above
from darklaunch_comparator.results.latency_clock import LatencyClock

from . import judge, naive
from .controller import ALPHA, BAR, BLOCK, BUDGET, LEAST, Launches, in_exchanges, rolled_back_each
from .engine import NEVER, Ints, block_paths, first, means_of, restart_each_paths, restart_paths
from .rows import Group, Row, at_most, delays_shown, late, shown, soon
from .traffic import Pairs, bursts, failures, pairs

EXCHANGES = 5_000
_CLOCKED = (
    ("hook in both", "in the app", LatencyClock.HOOK, 1.0),
    ("baseline, three in ten", "in the app", LatencyClock.BASELINE, 0.3),
    ("timed from outside", "outside", LatencyClock.WORKER, 1.0),
)


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
    heavy = np.where(equal.heaviness > 0.85, 1.4, 1.0)
    slower = Pairs(equal.primary_ms, 1.3 * equal.shadow_ms, equal.heaviness)
    tail = Pairs(equal.primary_ms, heavy * equal.shadow_ms, equal.heaviness)
    hanging = Pairs(equal.primary_ms, equal.shadow_ms + hangs, equal.heaviness)
    limit_ms = 1.25 * float(equal.primary_ms.mean())
    rows: list[Row] = []
    for what, seen, each, blocks in (
        ("every answer 30 % slower", slower, {0.5: 600, 0.99: 1300}, {0.5: 1500, 0.99: 3000}),
        ("2 % of answers 3 s slower", hanging, {0.5: 220, 0.99: 750}, {0.5: 500, 0.99: 1100}),
        ("the slowest 15 % are 40 % slower", tail, {0.5: 1200, 0.99: 2500}, {0.5: 2000, 0.99: 4000}),
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
    few = max(launches // 10, 20)
    rng = np.random.default_rng(4)
    clean = pairs(rng, few, 9_000)
    outside = Pairs(clean.primary_ms, clean.shadow_ms + 2.0, clean.heaviness)
    rows: list[Row] = []
    for what, seen, clock, share in _CLOCKED:
        back, done = judge.find_ends(Launches(outside if seen == "outside" else clean), clock=clock, timed_share=share)
        rows += [soon(f"promoted, {what}", done, {0.5: 6000}), at_most("  rolled back", back < NEVER, 0.05)]
    return Group(
        "Clean launches, steps of 100, 500, 1,000 and 3,000 exchanges, latency cleared:\n"
        f"exchanges until the judge promotes, {few:,} launches",
        rows,
    )


def of_launches_at_the_margin(launches: int) -> Group:
    """Promote none that is a little worse than allowed."""
    few = max(launches // 10, 20)
    rng = np.random.default_rng(16)
    equal = pairs(rng, few, 9_000)
    heavy = np.where(equal.heaviness > 0.85, 1.3, 1.0)
    tail = Pairs(equal.primary_ms, heavy * equal.shadow_ms, equal.heaviness)
    slower = Pairs(equal.primary_ms, 1.3 * equal.shadow_ms, equal.heaviness)
    stalls = Pairs(equal.primary_ms, equal.shadow_ms + 2100.0 * failures(rng, few, 9_000, 0.005), equal.heaviness)
    rows: list[Row] = []
    for what, seen, clock, share in (
        ("30 % slower", slower, LatencyClock.HOOK, 1.0),
        ("30 % slower from p85 on", tail, LatencyClock.HOOK, 1.0),
        ("30 % slower, baseline", slower, LatencyClock.BASELINE, 0.3),
        ("30 % slower, from outside", slower, LatencyClock.WORKER, 1.0),
        ("2 s stalls in 0.5 %", stalls, LatencyClock.HOOK, 1.0),
    ):
        _, done = judge.find_ends(Launches(seen), clock=clock, timed_share=share)
        rows.append(at_most(what, done < NEVER, ALPHA))
    milder = np.where(equal.heaviness > 0.85, 1.27, 1.0)
    for what, factor in (("20 % slower", 1.2), ("27 % slower from p85 on", milder)):
        back, done = judge.find_ends(Launches(Pairs(equal.primary_ms, factor * equal.shadow_ms, equal.heaviness)))
        rows += [at_most(what, done < NEVER, ALPHA), soon("  rolled back", back, {0.5: 4000})]
    endpoints = rng.integers(0, 10, (few, 9_000), dtype=np.int8)
    wrong = failures(rng, few, 9_000, 0.01) * (endpoints == 0)
    rows.append(_promoted("1 % wrong in one of ten endpoints", Launches(equal, {"mismatch": wrong}, endpoints)))
    for rate, length in ((0.01, 5), (0.02, 20)):
        failed = bursts(rng, few, 9_000, rate, length)
        what = f"{rate:.0%} wrong, in bursts of {length}".replace("%", " %")
        rows.append(_promoted(what, Launches(equal, {"mismatch": failed})))
    rare = bursts(rng, 10 * few, 4_600, 0.01, 20)
    rows.append(shown("1 % in bursts of 20: none in 4,600", np.asarray(~rare.any(axis=1))))
    return Group(f"Launches at the margin that are promoted, {few:,} launches of 9,000 exchanges", rows)


def _promoted(what: str, seen: Launches) -> Row:
    return at_most(what, judge.find_ends(seen)[1] < NEVER, ALPHA)


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

"""False alarms: at the very boundary, and when failures or slow answers come in bursts."""

from dataclasses import replace

import numpy as np
from darklaunch_comparator.evidence import above, below
from darklaunch_comparator.judging.policy import FailureBudgets

from . import judge, naive
from .controller import ALPHA, BAR, BLOCK, BUDGET, LEAST, Launches, by_exchange, exceedances, rolled_back_each, votes
from .engine import NEVER, Floats, agrees, block_paths, first, means_of, paths, restart_paths
from .rows import Flags, Group, Row, at_most, more_than, shown
from .traffic import Pairs, bursts, failures, pairs

EXCHANGES = 10_000
LATENCY = above(0.0, lo=-1)


def at_the_boundary(launches: int) -> Group:
    """Look after every exchange at launches that fail exactly as often as allowed and are exactly as slow."""
    rng = np.random.default_rng(2)
    failed = failures(rng, launches, EXCHANGES, BUDGET)
    equal = pairs(rng, launches, EXCHANGES)
    allowed = Pairs(equal.primary_ms, 1.05 * equal.shadow_ms, equal.heaviness)
    others = {guard: failures(rng, launches, EXCHANGES, BUDGET) for guard in ("error", "slow")}
    together = Launches(allowed, {"mismatch": failed} | others).outcomes()
    means, p95 = means_of(failed, BLOCK), together["p95"]
    few, limit_ms = max(launches // 4, 20), 1.25 * float(equal.primary_ms.mean())
    judged, _ = judge.find_ends(Launches(allowed, {"mismatch": failed} | others), most=few)
    windows = naive.kayenta_alarms(allowed.primary_ms[:few], allowed.shadow_ms[:few], BLOCK)
    return Group(
        "False alarms where the truth is exactly what is allowed, looked at all the time:\n"
        f"{launches:,} launches of {EXCHANGES:,} exchanges",
        [
            at_most("mismatch above 0.1 %", _ever(paths(above(BUDGET), failed)), ALPHA),
            at_most("  in blocks", _ever(block_paths(above(BUDGET), means)), ALPHA),
            at_most("  in blocks, restart mixture", _ever(restart_paths(above(BUDGET), means)), ALPHA),
            at_most("cleared as below 0.1 %", _ever(paths(below(BUDGET), failed)), ALPHA),
            at_most("p95 slower", _ever(paths(LATENCY, p95)), ALPHA),
            at_most("  in blocks", _ever(paths(LATENCY, votes(p95))), ALPHA),
            at_most("all guards together", rolled_back_each(together) < NEVER, ALPHA),
            at_most(f"the judge, {few:,} launches", judged < NEVER, ALPHA),
            more_than("instead: z-test, looked at always", naive.z_alarms(failed, BUDGET, least=LEAST) < NEVER, 0.25),
            shown("instead: z-test, asked once", naive.z_once(failed, BUDGET)),
            shown("instead: mean limit on mismatches", naive.flagger_alarms(failed, BUDGET, BLOCK) < NEVER),
            shown("instead: mean limit on latency", naive.flagger_alarms(allowed.shadow_ms, limit_ms, BLOCK) < NEVER),
            shown("instead: Mann-Whitney, windows", windows < NEVER),
        ],
    )


def in_bursts(launches: int) -> Group:
    """Fail in runs of twenty, exactly as often as allowed."""
    rng = np.random.default_rng(6)
    budget = 0.01
    failed = bursts(rng, launches, EXCHANGES, budget, 20)
    means = means_of(failed, BLOCK)
    few = max(launches // 4, 20)
    equal, policy = pairs(rng, few, EXCHANGES), replace(judge.POLICY, budgets=FailureBudgets(mismatch=budget))
    judged, _ = judge.find_ends(Launches(equal, {"mismatch": failed}), policy, most=few)
    return Group(
        f"Mismatches in bursts of 20, 1 % of all, budget 1 %:\n{launches:,} launches of {EXCHANGES:,} exchanges",
        [
            at_most("rolled back, in blocks", _ever(block_paths(above(budget), means)), ALPHA),
            at_most("  restart mixture", _ever(restart_paths(above(budget), means)), ALPHA),
            at_most(f"the judge, {few:,} launches", judged < NEVER, ALPHA),
            at_most("cleared, in blocks", _ever(block_paths(below(budget), means)), ALPHA),
            more_than("instead: each exchange counted", _ever(paths(above(budget), failed)), 0.20),
            shown("instead: cleared, each counted", _ever(paths(below(budget), failed))),
            shown("instead: z-test, looked at always", naive.z_alarms(failed, budget, least=LEAST) < NEVER),
            shown("instead: mean limit", naive.flagger_alarms(failed, budget, BLOCK) < NEVER),
        ],
    )


def in_slow_spells(launches: int) -> Group:
    """Slow down either side, equally often, for spells of a hundred responses that take twice as long."""
    rng = np.random.default_rng(8)
    equal = pairs(rng, launches, EXCHANGES)
    primary, shadow = (1.0 + bursts(rng, launches, EXCHANGES, 0.1, 100) for _ in range(2))
    seen = Pairs(primary * equal.primary_ms, 1.05 * shadow * equal.shadow_ms, equal.heaviness)
    outcomes = Launches(seen).outcomes()
    few = max(launches // 4, 20)
    judged, _ = judge.find_ends(Launches(seen), most=few)
    each = {guard: _ever(by_exchange(guard, outcomes[guard])) for guard in ("p50", "p95")}
    return Group(
        "Both sides have slow spells of 100 answers, the shadow no more than the primary:\n"
        f"{launches:,} launches of {EXCHANGES:,} exchanges",
        [
            at_most("p50, one vote a block", _ever(paths(LATENCY, votes(outcomes["p50"]))), ALPHA),
            at_most("p95, one vote a block", _ever(paths(LATENCY, votes(outcomes["p95"]))), ALPHA),
            at_most(f"the judge, {few:,} launches", judged < NEVER, ALPHA),
            more_than("instead: p50, each counted", each["p50"], 0.20),
            more_than("instead: p95, each counted", each["p95"], 0.20),
        ],
    )


def arrays_against_the_product() -> Group:
    """Compare what these simulations compute in arrays with what the product computes."""
    rng = np.random.default_rng(9)
    failed, equal = failures(rng, 50, 3000, 0.004), pairs(rng, 50, 3000)
    cases = [(above(BUDGET), failed), (below(BUDGET), failed), (LATENCY, exceedances(equal, 0.95))]
    worst = max(agrees(bet, outcomes, rng) for bet, outcomes in cases)
    return Group(
        "The arrays of these simulations beside the product, at random moments",
        [Row("largest difference of log E", f"{worst:.0e}", "≤ 1e-7", worst <= 1e-7)],
    )


def _ever(logs: Floats) -> Flags:
    return first(logs >= BAR) < NEVER

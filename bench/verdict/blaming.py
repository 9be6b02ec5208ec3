"""Blame: which of many endpoints are named."""

import numpy as np
from darklaunch_comparator.evidence import above, reject_by_e_bh
from darklaunch_comparator.judging.window import WINDOW_MS, JudgedExchange

from . import judge
from .controller import ALPHA, BLOCK, BUDGET
from .engine import of_counts
from .rows import Group, Row, percent

ENDPOINTS, BAD = 50, 5
EXCHANGES = 3_000


def of_endpoints(launches: int) -> Group:
    """Name five of fifty endpoints that mismatch at 1 %; the others mismatch exactly as often as allowed."""
    rng = np.random.default_rng(10)
    rates = np.where(np.arange(ENDPOINTS) < BAD, 0.01, BUDGET)
    pos = rng.binomial(EXCHANGES, rates, size=(launches, ENDPOINTS))
    logs = of_counts(above(BUDGET), pos, np.zeros_like(pos), np.array(EXCHANGES))
    ours = [_score(reject_by_e_bh(dict(enumerate(row)), ALPHA)) for row in logs.tolist()]
    z = (pos / EXCHANGES - BUDGET) / np.sqrt(BUDGET * (1 - BUDGET) / EXCHANGES)
    naive = [_score(np.flatnonzero(row > 1.645).tolist()) for row in z]
    power, wrong = np.mean(ours, axis=0)
    return Group(
        "5 of 50 endpoints mismatch at 1 %, the others at the budget of 0.1 %:\n"
        f"{launches:,} launches, {EXCHANGES:,} exchanges of each endpoint",
        [
            Row("bad endpoints named", percent(power), "≥ 90 %", bool(power >= 0.9)),
            Row("good among the named", percent(wrong), "≤ 5 %", bool(wrong <= 0.05)),
            Row("instead: z-test at 5 % each", f"{percent(np.mean(naive, axis=0)[1])} good"),
        ],
    )


def of_the_judge(launches: int) -> Group:
    """Check that the judge names the one of five endpoints that mismatches in 3 % of exchanges."""
    rng = np.random.default_rng(12)
    few = max(launches // 20, 20)
    named = [judge.find_rollback_reason(_windows(rng)) for _ in range(few)]
    blamed = [{evidence.endpoint for evidence in each.blamed_endpoints} if each else set[str]() for each in named]
    right = float(np.mean([_ENDPOINTS[0] in each for each in blamed]))
    wrong = float(np.mean([bool(each - {_ENDPOINTS[0]}) for each in blamed]))
    return Group(
        f"One of five endpoints mismatches at 3 %, the others never: {few:,} launches of {40 * BLOCK:,} exchanges",
        [
            Row("the judge names it", percent(right), "≥ 90 %", bool(right >= 0.9)),
            Row("the judge names another", percent(wrong), "≤ 5 %", bool(wrong <= 0.05)),
        ],
    )


_ENDPOINTS = tuple(f"GET /{name}/{{id}}" for name in ("orders", "carts", "users", "items", "quotes"))


def _windows(rng: np.random.Generator) -> list[list[JudgedExchange]]:
    return [
        [
            JudgedExchange(
                at_ms=window * WINDOW_MS + nth,
                endpoint=_ENDPOINTS[which],
                mismatched=bool(which == 0 and chance < 0.03),
            )
            for nth, (which, chance) in enumerate(zip(rng.integers(5, size=BLOCK), rng.random(BLOCK), strict=True))
        ]
        for window in range(40)
    ]


def _score(named: list[int] | tuple[int, ...]) -> tuple[float, float]:
    """Return the share of the bad endpoints that is named, and the share of the named that is good."""
    right = sum(name < BAD for name in named)
    return right / BAD, (len(named) - right) / max(1, len(named))

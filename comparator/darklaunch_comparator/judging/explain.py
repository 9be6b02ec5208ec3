"""The sentences in which a judge says why. Plain text, the same in events, reports and webhooks."""

import math
from typing import Final

from .beyond_noise import PairedPlace
from .build_evidence import BuildTrial, GuardAccusation
from .decision import JudgeDecision, LaunchVerdict
from .policy import Guard, JudgePolicy

_FAILS: Final = {
    Guard.MISMATCH: "differs in {rate} of exchanges (budget {budget})",
    Guard.ERROR: "gives no answer to {rate} of requests (budget {budget})",
    Guard.SLOW: "is slower than allowed in {rate} of requests (budget {budget})",
}
_RATES: Final = {Guard.MISMATCH: "mismatches", Guard.ERROR: "missing answers", Guard.SLOW: "slow requests"}


def why(decision: JudgeDecision, trial: BuildTrial, policy: JudgePolicy) -> str:
    """Say in one sentence why the verdict is what it is."""
    if trial.condemned is not None:
        case = trial.condemned
        return f"{accusation(case.leading, policy)}, evidence {odds(case.log_e)} after {exchanges(case.n)}"
    n = trial.all.n
    if not n:
        return "nothing has been judged yet"
    if decision.verdict is LaunchVerdict.PROMOTE:
        covered = len(trial.scopes) - 1 - len(decision.uncovered)
        return f"no guard objects after {exchanges(n)}; {covered} of {endpoints(len(trial.scopes) - 1)} judged"
    if decision.verdict is LaunchVerdict.INSUFFICIENT_TRAFFIC:
        first = decision.blocking[0]
        others = f" and {len(decision.blocking) - 1} more" if len(decision.blocking) > 1 else ""
        return (
            f"{first.endpoint} carries {percent(first.share)} of the traffic and needs {first.needed:,} more exchanges "
            f"to be judged{others}"
        )
    if decision.open:
        return f"{' and '.join(_RATES[guard] for guard in decision.open)} are not shown to be rare enough yet"
    if decision.needed:
        return f"{exchanges(decision.needed)} more are asked for"
    if decision.soak_ms:
        return f"nothing objects; the soak lasts {math.ceil(decision.soak_ms / 1000):,} s more"
    return "nothing objects to raising the share"


def accusation(guilt: GuardAccusation, policy: JudgePolicy) -> str:
    """Say what is wrong where: `GET /search is slower than allowed in 2.1 % of requests (budget 0.1 %)`."""
    where = guilt.endpoint or "the shadow"
    rate = percent(guilt.failed / guilt.n) if guilt.n else "0 %"
    if guilt.guard in _FAILS:
        return f"{where} {_FAILS[guilt.guard].format(rate=rate, budget=percent(policy.budgets.of(guilt.guard)))}"
    return f"{where} is slower at {guilt.guard}: {rate} more exchanges pass the primary's than should"


def over_noise(place: PairedPlace) -> str:
    """Say where it differs: `$.total differs more than its own noise at GET /orders/{id}: 41 : 1 after 120 pairs`."""
    pairs = "1 pair" if place.pairs == 1 else f"{place.pairs:,} pairs"
    return f"{place.path} differs more than its own noise at {place.endpoint}: {odds(place.log_e)} after {pairs}"


def odds(log_e: float) -> str:
    """Write evidence as odds: `214 : 1`."""
    if log_e > math.log(1e6):
        return "over 1,000,000 : 1"
    ratio = math.exp(log_e)
    return f"{ratio:,.0f} : 1" if ratio >= 10 else f"{ratio:.2g} : 1"


def percent(fraction: float) -> str:
    """Write a fraction as a percentage of at most three figures: `2.1 %`, `0.1 %`, `100 %`."""
    shown = 100 * fraction
    digits = 0 if shown >= 99.95 else 1 if shown >= 1 else 2 if shown >= 0.1 else 4
    text = f"{shown:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def exchanges(n: int) -> str:
    """Write a number of exchanges."""
    return "1 exchange" if n == 1 else f"{n:,} exchanges"


def endpoints(n: int) -> str:
    """Write a number of endpoints."""
    return "1 endpoint" if n == 1 else f"{n:,} endpoints"

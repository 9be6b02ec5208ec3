"""The sentences in which the judge explains itself: plain text, the same in events, reports and webhooks."""

import math
from datetime import UTC, datetime
from typing import Final

from .beyond_noise import PairedPlace
from .build_evidence import BuildEvidence, GuardEvidence
from .decision import JudgeDecision, LaunchVerdict
from .outage import ShadowOutage
from .policy import Guard, JudgePolicy

_FAILURES: Final = {
    Guard.MISMATCH: "differs in {rate} of exchanges (budget {budget})",
    Guard.ERROR: "gives no response to {rate} of requests (budget {budget})",
    Guard.SLOW: "is slower than allowed in {rate} of requests (budget {budget})",
}
_RATES: Final = {Guard.MISMATCH: "mismatches", Guard.ERROR: "missing responses", Guard.SLOW: "slow requests"}
_SILENCE: Final = {
    "refused": "refuses connections",
    "reset": "breaks connections off",
    "dns": "has a name that does not resolve",
    "tls": "does not complete a TLS handshake",
    "timeout": "does not respond in time",
    "protocol": "does not speak HTTP",
}
_SMALLEST_CHANCE: Final = 1_000_000


def explain_decision(decision: JudgeDecision, build: BuildEvidence, policy: JudgePolicy) -> str:
    """Return one sentence, without a full stop, on why the verdict is what it is."""
    if decision.outage is not None:
        return describe_outage(decision.outage)
    if reason := build.rollback_reason:
        what = describe_evidence(reason.strongest, policy)
        return f"{what} after {format_exchanges(reason.n)}; {format_chance(reason.log_e)}"
    n = build.overall.n
    if not n:
        return "nothing has been judged yet"
    if decision.verdict is LaunchVerdict.PROMOTE:
        judged = build.endpoint_count - len(decision.uncovered)
        coverage = f"{judged:,} of {format_endpoints(build.endpoint_count)} judged"
        return f"all checks pass after {format_exchanges(n)}; {coverage}"
    if decision.verdict is LaunchVerdict.INSUFFICIENT_TRAFFIC:
        return _explain_blocking(decision)
    if decision.unproven:
        rates = " and ".join(_RATES[guard] for guard in decision.unproven)
        return f"not enough exchanges yet to show that {rates} are rare enough"
    if decision.needed:
        return f"{decision.needed:,} more {'exchange is' if decision.needed == 1 else 'exchanges are'} needed"
    if decision.soak_ms:
        return f"all checks pass; the launch has to run {math.ceil(decision.soak_ms / 1000):,} s longer"
    return "all checks pass; the share of traffic can be raised"


def describe_outage(outage: ShadowOutage) -> str:
    """Return since when the shadow does not respond: `the shadow refuses connections: none of 20 attempts …`."""
    what = _SILENCE.get(outage.commonest_class, "does not respond")
    if outage.has_responded:
        attempts = f"none of the last {outage.failed:,} attempts got a response"
    else:
        attempts = f"none of {outage.failed:,} attempts got a response, and it has never responded"
    return f"the shadow {what}: {attempts}, since {format_time(outage.first_ms)}"


def describe_evidence(evidence: GuardEvidence, policy: JudgePolicy) -> str:
    """Return what is wrong and where: `GET /search is slower than allowed in 2.1 % of requests (budget 0.1 %)`."""
    where = evidence.endpoint or "the shadow"
    rate = format_percent(evidence.failed / evidence.n) if evidence.n else "0 %"
    if evidence.guard in _FAILURES:
        budget = format_percent(policy.budgets.of(evidence.guard))
        return f"{where} {_FAILURES[evidence.guard].format(rate=rate, budget=budget)}"
    quantile = evidence.guard.value
    return f"{where} is slower: {rate} more responses than expected exceed the primary's {quantile}"


def describe_place(place: PairedPlace) -> str:
    """Return where responses differ beyond noise: `$.total at GET /cart differs more than its noise explains …`."""
    replays = "1 noise replay" if place.pairs == 1 else f"{place.pairs:,} noise replays"
    what = f"{place.path} at {place.endpoint} differs more than its noise explains after {replays}"
    return f"{what}; {format_chance(place.log_e)}"


def format_chance(log_e: float) -> str:
    """Return how sure evidence is: `less than 1 in 200 that this is chance`.

    By Ville's inequality, a launch that keeps its budgets ever reaches the e-value E with a probability of at most 1/E.
    E is rounded down to its first digit; no more than 1,000,000 is claimed.
    """
    if log_e < math.log(2):
        return "this may well be chance"
    ratio = min(math.exp(min(log_e, 20.0)), _SMALLEST_CHANCE)
    magnitude = 10 ** math.floor(math.log10(ratio) + 1e-12)
    return f"less than 1 in {math.floor(ratio / magnitude + 1e-9) * magnitude:,} that this is chance"


def format_time(at_ms: int) -> str:
    """Return epoch ms as a time of day: `14:02:31 UTC`."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S} UTC"


def format_odds(log_e: float) -> str:
    """Return evidence as odds: `214 : 1`."""
    if log_e > math.log(1e6):
        return "over 1,000,000 : 1"
    ratio = math.exp(log_e)
    return f"{ratio:,.0f} : 1" if ratio >= 10 else f"{ratio:.2g} : 1"


def format_percent(fraction: float) -> str:
    """Return a fraction as a percentage of at most three figures: `2.1 %`, `0.1 %`, `100 %`."""
    percent = 100 * fraction
    digits = 0 if percent >= 99.95 else 1 if percent >= 1 else 2 if percent >= 0.1 else 4
    text = f"{percent:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def format_exchanges(n: int) -> str:
    """Return `1 exchange`, `1,550 exchanges`."""
    return "1 exchange" if n == 1 else f"{n:,} exchanges"


def format_endpoints(n: int) -> str:
    """Return `1 endpoint`, `12 endpoints`."""
    return "1 endpoint" if n == 1 else f"{n:,} endpoints"


def _explain_blocking(decision: JudgeDecision) -> str:
    first, *others = decision.blocking
    more = ""
    if others:
        more = f"; {len(others):,} more {'endpoint is' if len(others) == 1 else 'endpoints are'} not judged either"
    return (
        f"{first.endpoint} carries {format_percent(first.share)} of the traffic and needs {first.needed:,} more "
        f"exchanges to be judged{more}"
    )

"""The sentences in which the judge explains itself: plain text, the same in events, reports and webhooks."""

import math
from datetime import UTC, datetime
from typing import Final

from darklaunch_comparator.results.latency_clock import LatencyClock

from .beyond_noise import PairedPlace
from .build_evidence import BuildEvidence, GuardEvidence
from .decision import JudgeDecision, LaunchVerdict, UncoveredEndpoint
from .endpoint_evidence import JudgingGap
from .outage import ShadowOutage
from .policy import QUANTILES, Guard, JudgePolicy

_FAILURES: Final = {
    Guard.MISMATCH: "differs in {rate} exchanges (budget {budget})",
    Guard.ERROR: "gives no response to {rate} requests (budget {budget})",
    Guard.SLOW: "is slower than allowed in {rate} requests (budget {budget})",
}
_PROOFS: Final = {
    Guard.MISMATCH: "mismatches are rare enough",
    Guard.ERROR: "missing responses are rare enough",
    Guard.SLOW: "slow requests are rare enough",
}
_FEW: Final = 100
"""Below this many exchanges a rate is told as a count."""
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
        what = describe_evidence(reason.strongest, policy, decision.example)
        return f"{what} after {format_exchanges(reason.n)}; {format_chance(reason.log_e)}"
    n = build.overall.n
    if not n:
        return "nothing has been judged yet"
    if decision.verdict is LaunchVerdict.PROMOTE:
        judged = build.endpoint_count - len(decision.uncovered)
        coverage = f"{judged:,} of {format_endpoints(build.endpoint_count)} judged"
        return f"all checks pass after {format_exchanges(n)}; {coverage}; {describe_latency(build, policy)}"
    if decision.on_course is not None:
        what = describe_evidence(decision.on_course, policy, decision.example)
        return f"on course for roll back: {what}; {format_chance(decision.on_course.log_e)}"
    if decision.verdict is LaunchVerdict.NOT_JUDGED:
        return _explain_not_judged(decision)
    if decision.verdict is LaunchVerdict.INSUFFICIENT_TRAFFIC:
        return _explain_blocking(decision)
    if decision.unproven:
        return f"not enough exchanges yet to show that {_list_proofs(decision, build, policy)}"
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


def describe_evidence(evidence: GuardEvidence, policy: JudgePolicy, example: str = "") -> str:
    """Return what is wrong, where and since when: `GET /cart differs in 2.1 % of exchanges (budget 0.1 %): …`."""
    where = evidence.endpoint or "the shadow"
    since = f", since {format_time(evidence.since_ms)}" if evidence.since_ms else ""
    if evidence.guard in _FAILURES:
        budget = format_percent(policy.budgets.of(evidence.guard))
        what = _FAILURES[evidence.guard].format(rate=_format_rate(evidence.failed, evidence.n), budget=budget)
        shown = f": {example}" if example and evidence.guard is not Guard.SLOW else ""
        return f"{where} {what}{shown}{since}"
    change = f"{format_ms(evidence.before_ms)} → {format_ms(evidence.after_ms)} ms"
    timing = describe_clock(LatencyClock(evidence.clock)) if evidence.clock else "not timed"
    share = format_percent(evidence.share)
    return f"{where} is slower: {evidence.guard.value} {change}, in {share} of requests ({timing}){since}"


def describe_clock(clock: LatencyClock, offset_ms: float = 0.0) -> str:
    """Return by whose clock latency is compared: `timed by the hook in both`."""
    if clock is LatencyClock.WORKER:
        return f"timed from outside, ± {format_ms(offset_ms)} ms" if offset_ms else "timed from outside"
    return "timed by the hook in both" if clock is LatencyClock.HOOK else "timed by the worker against the baseline"


def describe_latency(build: BuildEvidence, policy: JudgePolicy) -> str:
    """Return what is known of the latency of all endpoints together: `latency p50 20 → 21 ms, p95 …, timed by …`."""
    if waiver := policy.waive_latency:
        return f"latency is waived{f' by {waiver.by}' if waiver.by else ''}: {waiver.reason}"
    leading = build.overall.latencies.leading
    if leading is None:
        return "latency is not timed"
    figures = [
        f"{guard.value} {format_ms(quantiles[0])} → {format_ms(quantiles[1])} ms"
        for guard in QUANTILES
        if (quantiles := leading.quantile_ms(guard))
    ]
    return f"latency {', '.join(figures)}, {describe_clock(leading.clock, leading.offset_ms)}"


def describe_place(place: PairedPlace) -> str:
    """Return where responses differ beyond noise: `$.total at GET /cart differs more often than one version does …`."""
    requests = "1 request" if place.pairs == 1 else f"{place.pairs:,} requests"
    differs = "differs more often than one version does from itself"
    what = f"{place.path} at {place.endpoint} {differs} ({requests} asked twice)"
    return f"{what}; {format_chance(place.log_e)}"


def format_chance(log_e: float) -> str:
    """Return how sure evidence is: `less than 1 in 200 that this is chance`."""
    denominator = bound_chance(log_e)
    return f"less than 1 in {denominator:,} that this is chance" if denominator else "this may well be chance"


def bound_chance(log_e: float) -> int:
    """Return the denominator of the bound on chance: 200 for "less than 1 in 200"; 0 if it may well be chance.

    By Ville's inequality, a launch that keeps its budgets ever reaches the e-value E with a probability of at most 1/E.
    E is rounded down to its first digit; no more than 1,000,000 is claimed.
    """
    if log_e < math.log(2):
        return 0
    ratio = min(math.exp(min(log_e, 20.0)), _SMALLEST_CHANCE)
    magnitude = int(10 ** math.floor(math.log10(ratio) + 1e-12))
    return math.floor(ratio / magnitude + 1e-9) * magnitude


def format_time(at_ms: int) -> str:
    """Return epoch ms as a time of day: `14:02:31 UTC`."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%H:%M:%S} UTC"


def format_ms(ms: float) -> str:
    """Return a latency without its unit, one decimal below 10: `0.3`, `51`, `1,204`."""
    return f"{ms:.1f}" if abs(ms) < 9.95 else f"{ms:,.0f}"


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


def _format_rate(failed: int, n: int) -> str:
    return f"{failed:,} of {n:,}" if n < _FEW else f"{format_percent(failed / n)} of"


def _list_proofs(decision: JudgeDecision, build: BuildEvidence, policy: JudgePolicy) -> str:
    """Return what is not shown yet: `mismatches are rare enough, and that latency is as before at p95 (…)`."""
    rates = [_PROOFS[guard] for guard in decision.unproven if guard in _PROOFS]
    quantiles = [guard.value for guard in decision.unproven if guard not in _PROOFS]
    if quantiles:
        rates.append(f"the shadow is no slower at {', '.join(quantiles)} ({describe_latency(build, policy)})")
    return " and that ".join(rates)


def _explain_not_judged(decision: JudgeDecision) -> str:
    if decision.untimed:
        return (
            "latency is known by no clock: install the hook in the shadow, give the launch a baseline (--control), or "
            "waive latency in the policy"
        )
    first, *others = [each for each in decision.blocking if not each.waits_for_traffic]
    advice = ": send them along (--seal)" if first.gap is JudgingGap.REFUSED else ""
    return f"{describe_gap(first)}{advice}{_count_others(others)}"


def describe_gap(endpoint: UncoveredEndpoint) -> str:
    """Return why an endpoint is not judged: `GET /search (5.3 % of the traffic) needs 210 more exchanges`."""
    where = f"{endpoint.endpoint} ({format_percent(endpoint.share)} of the traffic)"
    if endpoint.gap is JudgingGap.UNSEEN:
        return f"{where} is compared by value in {format_percent(endpoint.seen_share)} of what its responses hold"
    if endpoint.gap is JudgingGap.REFUSED:
        share = format_percent(endpoint.refused_share)
        return f"{where} is refused by the shadow in {share} of its requests, which come without the users' credentials"
    if endpoint.gap is JudgingGap.UNTIMED:
        return f"{where} has a latency that no clock tells"
    if endpoint.gap is JudgingGap.SLOWER:
        return f"{where} looks slower so far"
    return f"{where} needs {endpoint.needed:,} more exchanges to be judged"


def _count_others(others: list[UncoveredEndpoint]) -> str:
    if not others:
        return ""
    return f"; {len(others):,} more {'endpoint is' if len(others) == 1 else 'endpoints are'} not judged either"


def _explain_blocking(decision: JudgeDecision) -> str:
    first, *others = decision.blocking
    return f"{describe_gap(first)}{_count_others(others)}"

"""Compare two answers to one request: the story, from status to body."""

from .bodies import compare_bodies
from .collector import MATCHED, DifferenceCollector, Unverified
from .endpoint_rules import NO_RULES, EndpointRules
from .headers import changed_fields, compare_headers
from .known_noise import NO_NOISE, KnownNoise
from .model import ComparedResponse, Comparison
from .volatile import VolatileValues


def compare(
    method: str,
    primary: ComparedResponse,
    shadow: ComparedResponse,
    rules: EndpointRules = NO_RULES,
    noise: KnownNoise = NO_NOISE,
) -> Comparison:
    """Compare a shadow's answer with the primary's to the same request.

    `method` is the request's method, upper-case; `rules` and `noise` are what was decided and what is known of its
    endpoint. Pure, iterative and bounded: no body takes it more than bounded time and memory, and none makes it raise.
    """
    theirs, ours = primary.response, shadow.response
    changed = changed_fields(theirs.headers, ours.headers, rules.compared_headers)
    if not changed and theirs.status == ours.status and theirs.body == ours.body:
        return MATCHED
    findings = DifferenceCollector(rules, noise)
    if theirs.status != ours.status:
        findings.status(theirs.status, ours.status)
        if theirs.status // 100 != ours.status // 100:
            return findings.conclude()  # a page and an error page have nothing to compare
    volatile = VolatileValues(primary, shadow)
    try:
        compare_headers(changed, primary, shadow, volatile, findings)
        compare_bodies(method, theirs, ours, volatile, findings, as_described=not changed)
    except Unverified as unverified:
        findings.detail = str(unverified)
    return findings.conclude()
